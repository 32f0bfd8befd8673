"""The page on what can go wrong is that of the tests."""

import fault_matrix


def test_the_page_has_every_row():
    assert fault_matrix.PAGE.read_text(encoding="utf8") == fault_matrix.page(), (
        "write the page anew: python tests/fault_matrix.py"
    )


def test_rows_are_sentences_in_known_sections():
    for row in fault_matrix.rows():
        assert row.section in fault_matrix.SECTIONS, row.test
        assert row.what.endswith(".") and row.happens.endswith("."), row.test
        assert "|" not in row.what + row.happens, row.test
