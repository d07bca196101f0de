"""What the library refuses, as exceptions. Each says what was expected, what was found and what to do."""


class Error(RuntimeError):
    """A call of the library that failed."""

    #: The code that the program would end with.
    code: int

    def __init__(self, text: str, code: int = 70) -> None:
        super().__init__(text)
        self.code = code


class ArgumentError(Error, ValueError):
    """An argument, a strategy or numbers that make no sense (codes 64 and 65)."""


class MissingError(Error, FileNotFoundError):
    """A file or folder that is not there (code 66)."""

    def __str__(self) -> str:
        return str(self.args[0])


class PluginError(Error):
    """A plugin that is not found or refused, or that failed (code 69)."""


# What the program's flags are called here.
_ADVICE = {
    "--guide": "in Python: Objective(..., guides=[width], encodings=True), and the guide's vectors with each batch",
    "--columns": "in Python: give labels= (whole numbers) or scores= with each batch",
    "--pooler": "in Python: pooler=\"...\"",
}


def error(text: str, code: int) -> Error:
    """The exception for a code of the library."""
    text = "\n".join([text, *[f"  {advice}" for flag, advice in _ADVICE.items() if flag in text]])
    kinds = {64: ArgumentError, 65: ArgumentError, 66: MissingError, 69: PluginError}
    return kinds.get(code, Error)(text, code)
