"""The topics that scripts and simulated components use, with their fields.

Names and types follow the observatory's SAL interfaces (ts_xml); only what is
used is here. One line is one topic: its name, then ``field:type``, where a
type may carry an array length, as in ``double[2]``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from .messages import Component, FieldInfo, TopicInfo

__all__ = ["COMPONENTS", "component"]

_PRIVATE = (
    "private_sndStamp:double private_rcvStamp:double private_seqNum:long "
    "private_identity:string private_origin:long"
)

_ACKCMD = (
    "ack_ackcmd ack:long error:long result:string identity:string origin:long cmdtype:long timeout:double"
)

_MANDATORY = """
evt_heartbeat heartbeat:boolean
evt_logLevel level:int subsystem:string
evt_logMessage name:string level:int message:string traceback:string filePath:string \
functionName:string lineNumber:long process:long timestamp:double
cmd_setLogLevel level:int subsystem:string
"""

_CSC = (
    _MANDATORY
    + """
cmd_start configurationOverride:string
cmd_enable
cmd_disable
cmd_standby
cmd_exitControl
evt_summaryState summaryState:long
evt_errorCode errorCode:long errorReport:string traceback:string
evt_simulationMode mode:int
"""
)

_CONFIGURABLE = (
    _CSC
    + """
evt_configurationApplied configurations:string version:string url:string schemaVersion:string otherInfo:string
"""
)

_LARGE_FILE = """
evt_largeFileObjectAvailable url:string generator:string version:float byteSize:long checkSum:string \
mimeType:string id:string
"""

_SCRIPT = """
cmd_configure config:string logLevel:int pauseCheckpoint:string stopCheckpoint:string blockId:string \
executionId:string
cmd_run
cmd_resume
cmd_setGroupId groupId:string
cmd_setCheckpoints pause:string stop:string
cmd_stop
evt_checkpoints pause:string stop:string
evt_description classname:string description:string help:string remotes:string
evt_metadata coordinateSystem:short position:double[2] rotationSystem:short cameraAngle:double \
filters:string dome:short duration:double nimages:int instrument:string survey:string totalCheckpoints:int
evt_state state:byte reason:string groupId:string lastCheckpoint:string numCheckpoints:int blockId:string \
dayObs:int blockExecution:int executionId:string
"""

_OCPS = """
cmd_execute pipeline:string version:string config:string data_query:string prereq_jobs:string \
output_dataset_types:string
cmd_abort_job job_id:string
evt_job_result job_id:string exit_code:int result:string
evt_job_id event_name:string seq_num:int job_id:string
"""

_IMAGE = (
    "additionalKeys:string additionalValues:string imagesInSequence:long imageName:string imageIndex:long "
    "imageSource:string imageController:string imageDate:string imageNumber:long "
    "timestampAcquisitionStart:double"
)

_CAMERA = f"""
cmd_enterControl
cmd_takeImages numImages:long expTime:double shutter:boolean sensors:string keyValueMap:string obsNote:string
cmd_initGuiders roiSpec:string
evt_startIntegration {_IMAGE} exposureTime:double mode:string timeout:double
evt_endReadout {_IMAGE} requestedExposureTime:double timestampEndOfReadout:double
evt_ccsCommandState substate:long timestampTransition:double
"""

_FILTERS = """
cmd_setFilter name:string
evt_startSetFilter filterName:string filterType:string
evt_endSetFilter filterName:string filterType:string filterSlot:int filterPosition:double
evt_availableFilters filterNames:string filterTypes:string
"""

_SPECTROGRAPH = """
cmd_changeFilter filter:long name:string
cmd_changeDisperser disperser:long name:string
cmd_moveLinearStage distanceFromHome:double
evt_reportedFilterPosition slot:long name:string band:string
evt_reportedDisperserPosition slot:long name:string band:string
evt_reportedLinearStagePosition position:float
evt_settingsAppliedValues linearStageMinPos:float linearStageMaxPos:float filterNames:string \
gratingNames:string
"""

_OODS = (
    "evt_imageInOODS camera:string obsid:string raft:string sensor:string statusCode:long description:string"
)

_WHITE_LIGHT = """
cmd_turnLampOn power:float
cmd_turnLampOff force:boolean
cmd_openShutter
cmd_closeShutter
cmd_setChillerTemperature temperature:float
cmd_startChiller
cmd_stopChiller
evt_lampConnected connected:boolean
evt_chillerConnected connected:boolean
evt_chillerWatchdog controllerState:int pumpRunning:boolean alarmsPresent:boolean warningsPresent:boolean
evt_lampState basicState:int controllerError:int controllerState:int lightDetected:boolean setPower:float \
cooldownEndTime:double warmupEndTime:double
evt_shutterState commandedState:int actualState:int enabled:boolean
"""

_DOME = """
cmd_moveAzimuth azimuth:float
cmd_homeAzimuth
cmd_stopMotion
cmd_closeShutter
cmd_openShutter
evt_azimuthCommandedState commandedState:long azimuth:float
evt_azimuthState state:long homing:boolean homed:boolean homeSwitch:boolean
evt_azimuthInPosition inPosition:boolean
evt_mainDoorState state:long
evt_dropoutDoorState state:long
tel_position dropoutDoorOpeningPercentage:float mainDoorOpeningPercentage:float azimuthPosition:double
"""

_POINTING = """
cmd_azElTarget targetName:string azDegs:double elDegs:double trackId:long rotPA:double
cmd_stopTracking ignored:boolean
"""

_MOUNT = """
evt_atMountState state:long
evt_allAxesInPosition inPosition:boolean
tel_mount_AzEl_Encoders elevationCalculatedAngle:double[100] azimuthCalculatedAngle:double[100]
"""

_SCHEDULER = """
cmd_addBlock id:string executionId:string override:string failureStrategy:long
"""

_TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "Script": _MANDATORY + _LARGE_FILE + _SCRIPT,
        "OCPS": _CONFIGURABLE + _OCPS,
        "ATCamera": _CONFIGURABLE + _CAMERA,
        "ATSpectrograph": _CONFIGURABLE + _SPECTROGRAPH,
        "ATHeaderService": _CSC + _LARGE_FILE,
        "ATOODS": _CSC + _OODS,
        "ATWhiteLight": _CONFIGURABLE + _WHITE_LIGHT,
        "ATDome": _CONFIGURABLE + _DOME,
        "ATDomeTrajectory": _CONFIGURABLE,
        "ATPtg": _CSC + _POINTING,
        "ATMCS": _CONFIGURABLE + _MOUNT,
        "ATAOS": _CONFIGURABLE,
        "ATHexapod": _CONFIGURABLE,
        "ATPneumatics": _CONFIGURABLE,
        "Scheduler": _CONFIGURABLE + _LARGE_FILE + _SCHEDULER,
        "CCCamera": _CONFIGURABLE + _CAMERA + _FILTERS,
        "CCHeaderService": _CSC + _LARGE_FILE,
        "CCOODS": _CSC + _OODS,
        "MTCamera": _CONFIGURABLE + _CAMERA + _FILTERS,
        "MTHeaderService": _CSC + _LARGE_FILE,
        "MTOODS": _CSC + _OODS,
        "MTDome": _CONFIGURABLE,
        "MTDomeTrajectory": _CONFIGURABLE,
    }
)

COMPONENTS = tuple(_TOPICS)
"""Names of all components."""

_INDEXED = frozenset({"Script", "OCPS", "Scheduler"})


@functools.cache
def component(name: str) -> Component:
    """Look a SAL component up.

    Parameters
    ----------
    name : `str`
        Name of the component, without index.

    Returns
    -------
    component : `Component`
        Its topics.

    Raises
    ------
    ValueError
        If the table has no such component.
    """
    if name not in _TOPICS:
        raise ValueError(f"No such component {name}")
    lines = [line for line in _TOPICS[name].splitlines() if line]
    topics = [_topic(name, line) for line in [*lines, _ACKCMD]]
    return Component(
        name=name,
        indexed=name in _INDEXED,
        topics=MappingProxyType({topic.attr_name: topic for topic in topics}),
    )


def _topic(component_name: str, line: str) -> TopicInfo:
    attr_name, *fields = line.split()
    index = ["salIndex:long"] if component_name in _INDEXED else []
    return TopicInfo(component_name, attr_name, tuple(map(_field, [*fields, *index, *_PRIVATE.split()])))


def _field(text: str) -> FieldInfo:
    name, sal_type = text.split(":")
    sal_type, _, count = sal_type.rstrip("]").partition("[")
    return FieldInfo(name, sal_type, int(count or 1))
