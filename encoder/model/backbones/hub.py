"""Files of models on a hub, fetched into its own cache."""

from __future__ import annotations

from pathlib import Path

from encoder.model.backbones.quiet import heard
from kb.errors import ClearKbError
from kb.store.storage import first_line


class Hub:
    """The files of one model at one revision.

    A hub that does not answer is asked once, for it takes half a minute to be sure; what is in the cache is found all
    the same.
    """

    def __init__(self, name: str, revision: str | None):
        self._name, self._revision = name, revision
        self.unreachable = ""
        """Why it cannot be reached, once that is known."""

    def file(self, name: str) -> Path | None:
        """A file, or None if the model has none of that name, or the hub is not to be reached and it is not cached.

        Raises:
            ClearKbError: there is no such model or revision.
        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        try:
            with heard("huggingface_hub"):
                found = hf_hub_download(
                    self._name, name, revision=self._revision, local_files_only=bool(self.unreachable)
                )
        except LocalEntryNotFoundError:
            self.unreachable = "there is no connection to its hub, and it is not in the cache"
            return None
        except EntryNotFoundError:
            return None
        except (OSError, ValueError) as error:  # what the hub says, and names that it cannot have
            raise ClearKbError(f"the backbone '{self._name}' is not to be had: {first_line(error)}") from error
        return Path(found)
