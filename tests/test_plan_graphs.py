"""Plans follow what the pipelines read, whatever that is: drawn at random, and run with failures drawn at random."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lsst.ts.calibscripts.config import ConfigValidator, LatissConfig, json_schema, parse
from lsst.ts.calibscripts.plan import Action, Plan, Reads, Step, StepId, build, follow
from lsst.ts.calibscripts.run.steps.graph import Graph
from lsst.ts.calibscripts.tables.bootstraps import BOOTSTRAPS, RECORDS
from lsst.ts.calibscripts.tables.products import PRODUCTS, ImageType, verified_where_possible
from lsst.ts.calibscripts.testing.clock import JumpingEventLoop

SOAKING = bool(os.environ.get("CALIBSCRIPTS_SOAK"))


def plans(test: Callable[..., None]) -> Callable[..., None]:
    """Say how many plans a test draws."""
    return settings(max_examples=10_000 if SOAKING else 100)(test)


VALIDATOR = ConfigValidator(json_schema(LatissConfig), LatissConfig)

G, V, C = Action.GENERATE, Action.VERIFY, Action.CERTIFY

EVERYTHING = {
    "generate_calibrations": True,
    "do_defects": True,
    "do_ptc": True,
    "n_flat": 6,
    "exp_times_flat": [1, 1, 2, 2, 4, 4],
}

TODAY = {
    StepId(G, "DEFECTS"): (),
    StepId(G, "PTC"): ("DEFECTS",),
    StepId(G, "BIAS"): ("PTC",),
    StepId(G, "DARK"): ("BIAS", "DEFECTS", "PTC"),
    StepId(G, "FLAT"): ("BIAS", "DARK", "PTC"),
    StepId(V, "BIAS"): ("BIAS", "DEFECTS", "PTC"),
    StepId(V, "DARK"): ("BIAS", "DARK", "DEFECTS", "PTC"),
    StepId(V, "FLAT"): ("BIAS", "DARK", "DEFECTS", "FLAT", "PTC"),
}
"""What today's pipelines read of each other's products, where the bootstraps come from collections."""

CIRCLE = {
    StepId(G, "BIAS"): (),
    StepId(G, "DARK"): ("BIAS", "DEFECTS"),
    StepId(G, "FLAT"): ("BIAS", "DARK"),
    StepId(G, "DEFECTS"): ("BIAS", "DARK", "FLAT"),
    StepId(G, "PTC"): ("BIAS", "DARK", "DEFECTS"),
    StepId(V, "BIAS"): ("BIAS", "DEFECTS"),
}
"""What those of 2024 read for LATISS: darks and defects each other."""


def plan_of(reads: Reads, also: Collection[StepId] = (), **given: object) -> Plan:
    config = parse(VALIDATOR.validate({**EVERYTHING, **given}), LatissConfig)
    return follow(build(config, n_detectors=1), config, reads, 1, also)


def after(plan: Plan, step: str) -> set[str]:
    action, product = step.split()
    found = plan.step(StepId(Action(action), product))
    assert found is not None
    return {str(other) for other in found.after}


def test_today_s_order() -> None:
    plan = plan_of(TODAY)
    made = [step.id.product for step in plan.steps if step.id.action is G]
    assert made == ["DEFECTS", "PTC", "BIAS", "DARK", "FLAT"]
    assert after(plan, "GENERATE DARK") == {"GENERATE BIAS", "GENERATE DEFECTS", "GENERATE PTC"}
    assert after(plan, "VERIFY BIAS") == {"GENERATE BIAS"}
    assert after(plan, "CERTIFY BIAS") == {
        "GENERATE BIAS",
        "VERIFY BIAS",
        "CERTIFY DEFECTS",
        "CERTIFY PTC",
    }


def test_the_documents_order() -> None:
    made = [step.id.product for step in plan_of({}).steps if step.id.action is G]
    assert made == ["BIAS", "DARK", "FLAT", "DEFECTS", "PTC"]


def test_where_two_read_each_other_the_documents_decide() -> None:
    plan = plan_of(CIRCLE)
    assert after(plan, "GENERATE DARK") == {"GENERATE BIAS"}
    assert after(plan, "GENERATE DEFECTS") == {"GENERATE BIAS", "GENERATE DARK", "GENERATE FLAT"}
    assert after(plan, "GENERATE PTC") == {"GENERATE BIAS", "GENERATE DARK", "GENERATE DEFECTS"}
    dark = plan.step(StepId(G, "DARK"))
    assert dark is not None
    assert dark.reads == ("BIAS",)


def test_a_verification_does_not_wait_for_what_is_made_from_what_it_verifies() -> None:
    assert after(plan_of(CIRCLE), "VERIFY BIAS") == {"GENERATE BIAS"}


def test_a_verdict_reached_with_a_product_that_failed_certifies_nothing() -> None:
    reads = {StepId(G, "DARK"): (), StepId(V, "BIAS"): ("BIAS", "DARK")}
    plan = plan_of(reads)
    assert after(plan, "VERIFY BIAS") == {"GENERATE BIAS", "GENERATE DARK"}
    assert StepId(C, "BIAS") in plan.spoiled("DARK")
    assert StepId(V, "BIAS") not in plan.spoiled("DARK")


def test_products_are_verified_where_they_can_be() -> None:
    plan = plan_of(TODAY, [StepId(V, "DEFECTS"), StepId(V, "PTC")])
    assert after(plan, "VERIFY PTC") == {"GENERATE PTC"}
    assert after(plan, "CERTIFY PTC") == {"GENERATE PTC", "VERIFY PTC", "CERTIFY DEFECTS"}
    assert {StepId(C, "PTC"), StepId(G, "BIAS"), StepId(C, "FLAT")} <= set(plan.spoiled("PTC"))
    assert plan_of(TODAY, [StepId(V, "PTC")], do_verify=False).step(StepId(V, "PTC")) is None


SWITCHES = (
    "generate_calibrations",
    "do_verify",
    "wait_for_certification",
    *(f"do_{name}" for name in ("defects", "ptc", "linearizer", "cti", "bfk")),
)
"""Properties of which some are turned off."""

NAMES = st.lists(st.sampled_from(list(RECORDS)), unique=True, max_size=4)

READS = st.dictionaries(st.builds(StepId, st.sampled_from([G, V]), st.sampled_from(list(RECORDS))), NAMES)

PLANS = st.builds(
    lambda reads, also, switches: plan_of(reads, also, **switches),
    READS,
    st.sets(
        st.sampled_from(
            [
                *(StepId(V, product.name) for product in verified_where_possible()),
                *(StepId(G, name) for name in BOOTSTRAPS),
            ]
        )
    ),
    st.fixed_dictionaries({name: st.booleans() for name in SWITCHES}),
)


@plans
@given(PLANS)
def test_every_step_comes_after_what_it_waits_for(plan: Plan) -> None:
    seen: set[StepId] = set()
    for step in plan.steps:
        assert seen.issuperset(step.after)
        assert seen.issuperset(step.once_over)
        seen.add(step.id)


@plans
@given(PLANS)
def test_a_product_is_certified_after_everything_it_was_made_from(plan: Plan) -> None:
    for step in plan.steps:
        if step.id.action is C:
            origins = plan.origins(step.id.product)
            assert {s.product for s in step.after if s.action is C} == {
                name for name in origins if RECORDS[name].certified
            }
            assert plan.step(StepId(V, step.id.product)) is None or StepId(V, step.id.product) in step.after


@plans
@given(READS)
def test_nothing_is_generated_later_than_what_it_reads_is_made(reads: Reads) -> None:
    for step in plan_of(reads).steps:
        if step.id.action is not C:
            assert {other.action for other in step.after} <= {G}
            assert {other.product for other in step.after} <= set(step.reads)


class RejectedError(Exception):
    """A verification that was done and did not pass."""


async def run(
    plan: Plan, seconds: Mapping[StepId, int], failing: set[StepId], rejected: set[StepId]
) -> set[StepId]:
    """Run a plan, and return the steps that have succeeded."""
    done: set[StepId] = set()

    async def do(step: Step, images: Mapping[ImageType, int]) -> None:
        assert done.issuperset(step.after)
        await asyncio.sleep(seconds.get(step.id, 1))
        if step.id in failing:
            raise RuntimeError
        if step.id in rejected and step.id.action is V:
            raise RejectedError

    def failed(step_id: StepId, error: Exception) -> None:
        if isinstance(error, RejectedError):
            graph.cancel(plan.spoiled(step_id.product))

    graph: Graph[int] = Graph(plan, do, done.add, failed, lambda step_id: None)
    async with asyncio.TaskGroup() as tasks:
        graph.start(tasks)
        for images in plan.sets:
            await asyncio.sleep(5)
            graph.images_are_there(images.image_type, 1)
    assert done | graph.lost == {step.id for step in plan.steps}
    return done


ANY_STEP = st.builds(StepId, st.sampled_from(list(Action)), st.sampled_from(list(PRODUCTS)))

STEPS = st.sets(ANY_STEP, max_size=3)


@plans
@given(
    PLANS,
    st.dictionaries(
        st.builds(StepId, st.sampled_from(list(Action)), st.sampled_from(list(PRODUCTS))), st.integers(0, 9)
    ),
    STEPS,
    STEPS,
)
@example(
    # What reads the defects waits for their certification, which the bad darks have cancelled.
    plan=plan_of({}, generate_calibrations=False, do_ptc=False, do_bfk=True),
    seconds={},
    failing=set(),
    rejected={StepId(V, "DARK")},
)
def test_nothing_is_certified_that_was_made_from_something_that_failed(
    plan: Plan, seconds: dict[StepId, int], failing: set[StepId], rejected: set[StepId]
) -> None:
    with asyncio.Runner(loop_factory=JumpingEventLoop) as runner:
        done = runner.run(run(plan, seconds, failing, rejected))
    bad = {step.product for step in rejected if step.action is V and plan.step(step)}
    for step in plan.steps:
        if step.id not in done or step.id.action is not C:
            continue
        assert done.issuperset(step.after)
        made_from = {step.id.product, *plan.origins(step.id.product)}
        if plan.step(StepId(G, step.id.product)) and plan.step(StepId(V, step.id.product)):
            assert not made_from & (bad - {s.product for s in failing if s.action is V})
