"""The peers: other packages that keep conversations, each driven through its own interface.

None is a dependency. `pip install -r benchmarks/speed/peers.txt` brings them, best into an
environment of its own; what is not installed is left out. A peer that has no verb for an operation
does not take part in it, unless a few lines of a host's make it of what the peer offers; each
module says which lines these are.
"""

from __future__ import annotations

from importlib.util import find_spec

INSTALL = "pip install -r benchmarks/speed/peers.txt"
HERE = "benchmarks.speed.peers"
# name -> the module it is imported as, and module:Class of the subject
PEERS: dict[str, tuple[str, str]] = {
    "openai-agents": ("agents", f"{HERE}.openai_agents:OpenaiAgents"),
    "google-adk": ("google.adk", f"{HERE}.google_adk:GoogleAdk"),
    "chainlit": ("chainlit", f"{HERE}.chainlit_layer:ChainlitLayer"),
    "langchain-postgres": ("langchain_postgres", f"{HERE}.langchain_history:LangchainHistory"),
    "django-ai-assistant": ("django_ai_assistant", f"{HERE}.ai_assistant:AiAssistant"),
}


def installed() -> dict[str, dict[str, str]]:
    """Return the peers that can be measured here, as SUBJECTS has them: on PostgreSQL."""
    return {
        name: {"postgres": dotted} for name, (module, dotted) in PEERS.items() if _is_there(module)
    }


def left_out() -> list[str]:
    """Return the names of the peers that are not installed."""
    return [name for name, (module, _dotted) in PEERS.items() if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package it would be in
        return False
