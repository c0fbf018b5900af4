"""Addresses that people type."""

import pytest

from chm_node.addresses import common_form

SAME = [
    (
        "https://dz.example.org/",
        ["https://dz.example.org", "HTTPS://DZ.example.org:443/", " https://dz.example.org:#a "],
    ),
    ("http://dz.example.org:8850/", ["http://dz.example.org:8850", "http://Dz.example.org:8850/#top"]),
    ("http://[::1]:8850/", ["http://[::1]:8850"]),
    ("http://[2001:db8::80]/", ["http://[2001:DB8::80]:80"]),
    ("https://dz.example.org:80/Chm?Q=1", ["https://DZ.example.org:80/Chm?Q=1"]),
]


@pytest.mark.parametrize(("common", "others"), SAME)
def test_one_address_has_one_form(common, others):
    assert {common_form(each) for each in (common, *others)} == {common}


@pytest.mark.parametrize(
    "text",
    ["", "dz.example.org", "http://[::1", "http://[x]/", "http://dz.example:port/", "ftp://dz.example/", "http://"],
)
def test_what_is_no_web_address_has_none(text):
    assert common_form(text) == ""
