"""Every topic, field and state that is read or written here is one of the observatory's SAL interfaces."""

from __future__ import annotations

import importlib
from enum import IntEnum
from typing import Any

import pytest

from lsst.ts.calibscripts.embedded.salobj.topic_table import COMPONENTS, component
from lsst.ts.calibscripts.preflight.flat_setup import FlatSetup, not_ready
from lsst.ts.calibscripts.summit.hardware.calsys import states

pytestmark = pytest.mark.observatory(alone=True)

ENUMERATIONS: dict[type[IntEnum], str] = {
    states.LampState: "ATWhiteLight.LampBasicState",
    states.ChillerState: "ATWhiteLight.ChillerControllerState",
    states.ShutterState: "ATWhiteLight.ShutterState",
    states.AzimuthCommand: "ATDome.AzimuthCommandedState",
    states.AzimuthState: "ATDome.AzimuthState",
    states.DoorState: "ATDome.ShutterDoorState",
    states.MountState: "ATMCS.AtMountState",
}


def told(name: str) -> Any:
    """Look a component up in ts_xml."""
    return importlib.import_module("lsst.ts.xml.component_info").ComponentInfo(name, "test")


def enumeration(name: str) -> Any:
    """Look an enumeration up in ts_xml."""
    module, _, name = name.partition(".")
    return getattr(importlib.import_module(f"lsst.ts.xml.enums.{module}"), name)


@pytest.mark.parametrize("name", COMPONENTS)
def test_topics_and_fields_are_those_of_the_observatory(name: str) -> None:
    ours, theirs = component(name), told(name)
    assert ours.indexed == theirs.indexed
    assert [topic for topic in ours.topics if topic not in theirs.topics] == []
    fields = {
        f"{topic}.{field.name}": (field.sal_type, field.count)
        for topic, info in ours.topics.items()
        for field in info.fields
    }
    known = {
        f"{topic}.{field.name}": (field.sal_type, field.count)
        for topic, info in theirs.topics.items()
        for field in info.fields.values()
    }
    assert {name: kind for name, kind in fields.items() if known.get(name) != kind} == {}


@pytest.mark.parametrize(("ours", "name"), ENUMERATIONS.items(), ids=ENUMERATIONS.values())
def test_states_have_the_numbers_of_the_observatory(ours: type[IntEnum], name: str) -> None:
    theirs = {member.value: member.name.replace("_", "") for member in enumeration(name)}
    assert {member: member.name.replace("_", "") for member in ours}.items() <= theirs.items()


def test_every_state_of_the_lamp_and_its_shutter_has_a_word() -> None:
    setups = [
        *(FlatSetup(state, 2, 3.0, (188.7, 39.0)) for state in enumeration("ATWhiteLight.LampBasicState")),
        *(FlatSetup(2, state, 3.0, (188.7, 39.0)) for state in enumeration("ATWhiteLight.ShutterState")),
    ]
    assert not [text for setup in setups for text in not_ready(setup) if "in state" in text]
