"""Invoices from creditors' ledgers, whatever they are kept in: bytes in, `Invoice` records out.

Nothing here is saved, sent or decided; a record says what the creditor's file says.

- `invoice.Invoice`, `invoice.Reading`: what every source answers with.
- `spreadsheet.open_table`: CSV or XLSX bytes to a `Table` of texts with their line numbers.
- `spreadsheet.FIELDS`, `spreadsheet.guess_mapping`: what a column may hold, and which seems to.
- `spreadsheet.read`: a table and its mapping to a `Reading`.
- `peppol.read`, `peppol.read_many`: Peppol BIS Billing 3 invoices to a `Reading`.
"""
