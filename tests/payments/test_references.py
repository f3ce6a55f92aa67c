import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.messages import RedaError
from portal.payments.references import LONGEST, SHORTEST, check_ocr, make_ocr

serials = st.integers(0, 10**14 - 1 - 10**9)


def test_the_control_digits_are_those_worked_out_by_hand():
    # 1000000042 and two control digits make twelve, so the length digit is 2. By the 10-modulus,
    # from the right: 2·2, 2, 4·2, six zeros and the 1 in a place that is doubled give
    # 4 + 2 + 8 + 0 + 2 = 16, and 4 are missing to 20.
    assert make_ocr(42) == "100000004224"


@pytest.mark.parametrize("serial", [-1, 10**14 - 10**9])
def test_a_serial_that_does_not_fit_is_refused(serial):
    with pytest.raises(ValueError, match="no OCR number"):
        make_ocr(serial)


@given(serials)
def test_every_reference_is_within_the_lengths_and_passes_its_own_check(serial):
    digits = make_ocr(serial)
    assert SHORTEST <= len(digits) <= LONGEST
    assert not digits.startswith("0")
    assert check_ocr(digits) == digits


@given(serials, serials)
def test_two_serials_never_share_a_reference(one, other):
    assert (make_ocr(one) == make_ocr(other)) == (one == other)


@given(serials, st.data())
def test_any_one_wrong_digit_is_found(serial, data):
    digits = make_ocr(serial)
    place = data.draw(st.integers(0, len(digits) - 1))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != digits[place]]))
    with pytest.raises(RedaError, match="wrong"):
        check_ocr(digits[:place] + wrong + digits[place + 1 :])


@given(serials, st.data())
def test_two_neighbours_changing_places_is_found_unless_they_are_0_and_9(serial, data):
    digits = make_ocr(serial)
    place = data.draw(st.integers(0, len(digits) - 2))
    a, b = digits[place], digits[place + 1]
    assume(a != b and {a, b} != {"0", "9"})
    with pytest.raises(RedaError, match="changed places"):
        check_ocr(digits[:place] + b + a + digits[place + 2 :])


@given(serials, st.data())
def test_a_lost_digit_is_found_by_the_length_or_the_check_digit(serial, data):
    digits = make_ocr(serial)
    place = data.draw(st.integers(0, len(digits) - 3))
    with pytest.raises(RedaError):
        check_ocr(digits[:place] + digits[place + 1 :])


def test_a_reference_of_another_length_with_a_right_check_digit_is_refused_for_its_length():
    # Twelve digits whose length digit says thirteen, and whose check digit agrees with it.
    with pytest.raises(RedaError, match="too many or too few"):
        check_ocr("100000004232")


def test_spaces_are_dropped():
    assert check_ocr(" 1000 0000\u00a0422" + make_ocr(42)[-1] + " ") == make_ocr(42)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("  ", "Enter the OCR number"),
        ("12345678901A", "digits only"),
        ("١٢٣٤٥٦٧٨٩٠١٢", "digits only"),
        ("12345", "has 5 digits"),
        ("1" * 17, "has 17 digits"),
    ],
)
def test_each_mistake_is_said_in_its_own_words(text, says):
    with pytest.raises(RedaError, match=says):
        check_ocr(text)
