"""Frameworks are tested where they are installed: `make frameworks` gives each an environment of its own."""

from __future__ import annotations

import importlib.util
from typing import Final

FRAMEWORKS: Final = {
    "openai-agents": "agents",
    "pydantic-ai": "pydantic_ai",
    "LangChain": "langchain_openai",
    "LlamaIndex": "llama_index.llms.openai",
    "smolagents": "smolagents",
    "instructor": "instructor",
    "DSPy": "dspy",
    "litellm": "litellm",
    "autogen": "autogen_agentchat",
}
"""Each framework of `docs/frameworks.md`, and the module by which it is known to be there."""


def installed(framework: str) -> bool:
    """Say whether a framework is installed here."""
    try:
        return importlib.util.find_spec(FRAMEWORKS[framework]) is not None
    except ModuleNotFoundError:
        return False


collect_ignore_glob = [] if any(map(installed, FRAMEWORKS)) else ["test_*.py"]
