"""pytest plugin (`-p tests.no_skips`): CHAT_SESSIONS_NO_SKIPS=1 makes a skipped test a failure."""

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Watch for skips in the process that sees every report (not in xdist's workers)."""
    if os.environ.get("CHAT_SESSIONS_NO_SKIPS") == "1" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_SkipsFail())


class _SkipsFail:
    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped too, and is not a test that did not run.
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped:
            names = ", ".join(self.skipped)
            terminalreporter.write_line(f"Nothing may be skipped here: {names}", red=True)
