"""Every error twind raises on purpose.

    TwindError                    something the user can put right; `code` is stable, for --json
    ├── SettingsError             twind.toml: names the file and the key
    ├── StoreError                the database cannot be used
    │   ├── NewerDatabaseError    written by a newer twind
    │   ├── DamagedDatabaseError  not a database, or a broken one
    │   ├── ReadOnlyDatabaseError cannot be written
    │   └── ForeignDatabaseError  some other program's database
    ├── BackupError               a backup cannot be made, read or restored
    ├── ExportError               an export has nowhere to go
    ├── PluginError               a plugin breaks its contract: names the plugin and the file
    ├── ModelError                a model file is missing, damaged or of another shape
    ├── EmptyProfileError         there is nothing to simulate or learn from yet
    ├── NotFoundError             no such proposal, question, plugin …
    ├── HomeHeldError             another daemon holds this home
    ├── NotRunningError           no daemon answers on the socket
    └── JobError                  a job failed in its worker

The command line prints the message on one line and exits 1 (3 for NotRunningError).
"""


class TwindError(Exception):
    """Something went wrong that the message explains and the user can put right."""

    code = "error"


class SettingsError(TwindError):
    """The configuration cannot be used; the message names the file and the key."""

    code = "settings"


class StoreError(TwindError):
    """The database cannot be used."""

    code = "database"


class NewerDatabaseError(StoreError):
    """The database was written by a newer twind."""

    code = "database_newer"


class DamagedDatabaseError(StoreError):
    """The file is not a database, or a broken one."""

    code = "database_damaged"


class ReadOnlyDatabaseError(StoreError):
    """The database cannot be written."""

    code = "database_read_only"


class ForeignDatabaseError(StoreError):
    """The database belongs to some other program."""

    code = "database_foreign"


class BackupError(TwindError):
    """A backup cannot be made, is damaged, or has nowhere to be restored to; names the file."""

    code = "backup"


class ExportError(TwindError):
    """An export cannot be written, or something is there already; names the place."""

    code = "export"


class PluginError(TwindError):
    """A plugin breaks its contract; the message names the plugin and its file."""

    code = "plugin"


class ModelError(TwindError):
    """A model file is missing, damaged or made for another network."""

    code = "model"


class EmptyProfileError(TwindError):
    """The profile holds nothing yet to simulate or to learn from."""

    code = "empty_profile"


class NotFoundError(TwindError):
    """What was asked for does not exist."""

    code = "not_found"


class HomeHeldError(TwindError):
    """Another daemon holds this home."""

    code = "home_held"


class NotRunningError(TwindError):
    """No daemon answers on the control socket."""

    code = "not_running"


class JobError(TwindError):
    """A job failed in its worker."""

    code = "job_failed"
