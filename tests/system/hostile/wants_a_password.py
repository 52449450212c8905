"""Is refused by its server."""

from twind.api import AuthenticationFailed, hookimpl


class Plugin:
    name = "wants_a_password"

    def fetch(self, ctx):
        raise AuthenticationFailed("the server wants another password")
        yield


@hookimpl
def twind_register(register):
    register(Plugin())
