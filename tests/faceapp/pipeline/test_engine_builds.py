from __future__ import annotations

import threading

from faceapp.pipeline.engine_builds import EngineBuild, EngineBuilds


def test_the_furthest_build_is_shown_until_it_ends() -> None:
    builds = EngineBuilds()
    assert builds.newest is None
    first, second = builds.control("multitask"), builds.control("visibility")
    assert builds.newest is None, "a kept engine needs no build"
    first.report(0.4, "Timing")
    second.report(0.1, "waiting")
    assert builds.newest == EngineBuild("multitask", 0.4, "Timing")
    first.end()
    assert builds.newest == EngineBuild("visibility", 0.1, "waiting")
    second.end()
    second.end()
    assert builds.newest is None


def test_cancelling_holds_until_builds_are_allowed_again() -> None:
    builds = EngineBuilds()
    running, beginning = builds.control("a"), builds.control("b")
    running.report(0.2, "Timing")
    builds.cancel()
    assert running.cancelled.is_set()
    beginning.report(0.0, "reading the model")
    assert beginning.cancelled.is_set(), "the next model's build would only begin anew"
    builds.allow()
    later = builds.control("c")
    later.report(0.0, "reading the model")
    assert not later.cancelled.is_set()


def test_many_threads_may_build() -> None:
    builds = EngineBuilds()

    def build(name: str) -> None:
        control = builds.control(name)
        for step in range(200):
            control.report(step / 200, "Timing")
        control.end()

    threads = [threading.Thread(target=build, args=(f"model {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(200):
        newest = builds.newest
        assert newest is None or newest.model.startswith("model ")
    for thread in threads:
        thread.join(30)
    assert builds.newest is None
