import sys

from tools.check import Check, machine_paths, main, run, run_all


def test_a_check_that_fails_is_told_with_what_it_printed() -> None:
    outcome = run(Check("bad", (sys.executable, "-c", "print('why'); raise SystemExit(3)")))
    assert not outcome.is_good
    assert outcome.output == "why"


def test_every_check_is_run_and_told(capsys) -> None:
    good = Check("good", (sys.executable, "-c", ""))
    bad = Check("bad", (sys.executable, "-c", "raise SystemExit(1)"))
    outcomes = run_all((good, bad))
    assert {outcome.check.name: outcome.is_good for outcome in outcomes} == {
        "good": True,
        "bad": False,
    }
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_path_of_one_machine_is_found() -> None:
    texts = iter([("a.py", "x = 1\nopen('/" + "home/anna/reda/x')"), ("b.py", "/homework/")])
    assert machine_paths(texts) == ["a.py:2: /" + "home/anna/"]


def test_where_packages_came_from_is_found() -> None:
    assert machine_paths(iter([("r.txt", "--index" + "-url https://a.example/simple")])) != []


def test_the_house_names_no_machine(capsys) -> None:
    assert main(["paths"]) == 0
