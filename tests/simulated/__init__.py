"""A model server that plays a script over real HTTP, in the wire dialects of Z.ai, SGLang and vLLM."""

from tests.simulated.script import Entry, Fault, Script, load_entries_file
from tests.simulated.server import Recorded, SimulatedEndpoint
from tests.simulated.wire import Flavor

__all__ = ["Entry", "Fault", "Flavor", "Recorded", "Script", "SimulatedEndpoint", "load_entries_file"]
