"""What reaches the headers of images: everything accepted can be written there."""

import re

import jsonschema
import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema

OWN = ConfigValidator(json_schema(LatissConfig), LatissConfig)


def refused_in_one_line(error: jsonschema.ValidationError, name: str) -> None:
    assert error.message.startswith(f"{name}: ")
    assert len(error.message.splitlines()) == 1


@pytest.mark.parametrize("name", ["program", "reason", "note"])
@settings(max_examples=200)
@given(text=st.text(max_size=12) | st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=12))
@example(text="weekly \u2013 Mu\u00f1oz")
@example(text="two\nlines")
@example(text="\x7f")
@example(text="won't / can't")
def test_a_text_is_refused_with_its_character_or_can_be_written(name: str, text: str) -> None:
    try:
        accepted = OWN.validate({name: text})[name]
    except jsonschema.ValidationError as error:
        refused_in_one_line(error, name)
        return
    assert value_of(str(fits.Card("TEXT", accepted))) == text.rstrip(" ")


def value_of(card: str) -> str:
    """Read a card as section 4.2.1 of the FITS standard 4.0 says: astropy ends the text at a quote before a slash."""
    found = re.fullmatch(r"TEXT    = '((?:[^']|'')*)' *", card)
    assert found is not None
    return found[1].replace("''", "'").rstrip(" ")


@settings(max_examples=100)
@given(
    st.text(
        alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=",:$"), max_size=60
    )
)
def test_plain_text_is_accepted_everywhere(text: str) -> None:
    if text != "None":
        texts = dict.fromkeys(("program", "reason", "note"), text)
        assert {name: OWN.validate(texts)[name] for name in texts} == texts
