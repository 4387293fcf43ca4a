"""The errors a user can meet: each carries what was wrong, where, and what to do."""


class ClearKbError(Exception):
    """The work failed for a reason the user can act on; the command line exits with `exit_code`."""

    exit_code = 1


class UsageError(ClearKbError):
    """The call itself was wrong: an unknown option value, a column that is not there, a bad reference."""

    exit_code = 2
