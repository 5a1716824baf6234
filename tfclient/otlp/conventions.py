"""The names under which spans say what they say, all in one table.

Those of OpenTelemetry's GenAI conventions are of version 1.41, the last before they moved away: what receivers read
today. Of later texts there are only names that collide with nothing. No name begins with ``gen_ai.prompt`` or
``gen_ai.completion``: Langfuse takes each for a prompt in the old, flattened form, and drops the real one.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"

# Of every span.
SESSION_ID: Final = "session.id"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
USER_ID: Final = "user.id"
OUR_SESSION: Final = "thoughtflow.session.id"
OUR_RUN: Final = "thoughtflow.run.id"
OUR_STEP: Final = "thoughtflow.step.id"
OUR_THREAD: Final = "thoughtflow.thread.id"

# What it is.
OPERATION: Final = "gen_ai.operation.name"
CHAT: Final = "chat"
INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"
EMBEDDINGS: Final = "embeddings"
TEXT_COMPLETION: Final = "text_completion"
AGENT_NAME: Final = "gen_ai.agent.name"
PROVIDER: Final = "gen_ai.provider.name"
API_TYPE: Final = "openai.api.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "aws": "aws.bedrock",
    "google": "gcp.gen_ai",
    "xai": "x_ai",
    "mistral": "mistral_ai",
}
"""Ours that have another name there."""

UNKNOWN_PROVIDER: Final = "openai"
"""Who speaks OpenAI's language and is not known, as the convention has it."""

# A request.
REQUEST_MODEL: Final = "gen_ai.request.model"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_output_tokens": MAX_TOKENS,
    "max_completion_tokens": MAX_TOKENS,
    "max_tokens": MAX_TOKENS,
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "seed": "gen_ai.request.seed",
    "stream": "gen_ai.request.stream",
    "n": "gen_ai.request.choice.count",
}
"""Arguments of a call under their names."""

WHOLE_NUMBERS: Final = frozenset({MAX_TOKENS, REQUEST["seed"], REQUEST["n"]})
STOP: Final = "gen_ai.request.stop_sequences"
REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
PREVIOUS_RESPONSE: Final = "gen_ai.request.previous_response_id"
REQUEST_TIER: Final = "openai.request.service_tier"

# A response.
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
RESPONSE_TIER: Final = "openai.response.service_tier"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
COSTS: Final = ("gen_ai.usage.cost", "llm.cost.total")
"""Dollars: Langfuse reads the first, those who read OpenInference the second."""

# What was said, as JSON.
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
INPUT_VALUE: Final = "input.value"
OUTPUT_VALUE: Final = "output.value"
"""OpenInference's, on runs, tools and other endpoints. Not on model calls: Langfuse prefers them to the messages."""
INPUT_TYPE: Final = "input.mime_type"
OUTPUT_TYPE: Final = "output.mime_type"

# A tool.
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"

# What went wrong.
ERROR_TYPE: Final = "error.type"
EXCEPTION: Final = "exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
HTTP_STATUS: Final = "http.response.status_code"

# Langfuse's own.
TRACE_NAME: Final = "langfuse.trace.name"
TRACE_METADATA: Final = "langfuse.trace.metadata."
LEVEL: Final = "langfuse.observation.level"
COMPLETION_START: Final = "langfuse.observation.completion_start_time"

# What no convention has a name for.
STATUS: Final = "thoughtflow.status"
ENDING: Final = "thoughtflow.ending"
RETRIES: Final = "thoughtflow.retries"
TIMING: Final = "thoughtflow.timing"
TRIGGER: Final = "thoughtflow.trigger"
PROMPT_SHA256: Final = "thoughtflow.prompt.sha256"
PROMPT_UNKNOWN: Final = "thoughtflow.prompt.unknown"
OMITTED: Final = "thoughtflow.input.omitted_messages"
CONTENT: Final = "thoughtflow.content"
"""``new`` or ``none`` where not all is there that the model was given."""
CONTENT_LESS: Final = "thoughtflow.content.reduced"
"""Why there is less of it than was asked for."""
REPLAY: Final = "thoughtflow.replay"
PLAYED: Final = "thoughtflow.played"
LINEAGE_SOURCE: Final = "thoughtflow.lineage.source"
LINEAGE_DEPTH: Final = "thoughtflow.lineage.depth"
LINEAGE_BRANCH: Final = "thoughtflow.lineage.branch_index"
LINEAGE_PARENT: Final = "thoughtflow.lineage.parent_run"
LINK: Final = "thoughtflow.link"
EVIDENCE: Final = "thoughtflow.evidence"
ATTEMPT_FAILED: Final = "thoughtflow.attempt.failed"
ATTEMPT: Final = "thoughtflow.attempt"
ATTEMPT_ERROR: Final = "thoughtflow.attempt.error"
ANNOTATION: Final = "thoughtflow.annotation"
ANNOTATION_KIND: Final = "thoughtflow.annotation.kind"
ANNOTATION_DATA: Final = "thoughtflow.annotation.data"
COMPACTION: Final = "thoughtflow.compaction"

# Of who sends.
SERVICE_NAME: Final = "service.name"
STORE_ID: Final = "thoughtflow.store.id"
