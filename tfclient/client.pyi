# The drop-in clients as type checkers see them: every parameter of the parent, and ours.
# Written by `python -m tests.write_stub`; `tests/typing` compares it, and checks a program against it.

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, Self, TypeVar, overload

import httpx2
from openai import (
    AsyncAzureOpenAI,
    AsyncBedrockOpenAI,
    AsyncOpenAI,
    AzureOpenAI,
    BedrockOpenAI,
    DataResidency,
    NotGiven,
    OpenAI,
    Timeout,
)
from openai._provider import _Provider
from openai.auth import WorkloadIdentity, X509WorkloadIdentity
from openai.lib.azure import AsyncAzureADTokenProvider, AzureADTokenProvider
from openai.lib.bedrock import AsyncBedrockTokenProvider, BedrockTokenProvider, _LegacyBedrockState
from openai.providers.bedrock import AwsCredentialsProvider

from tfclient.capture.tools import ToolCall
from tfclient.recorder import Recorder
from tfclient.sessions.handle import SessionHandle

_P = ParamSpec("_P")
_R = TypeVar("_R")

class _Traced:
    @property
    def recorder(self) -> Recorder: ...
    def session(
        self,
        *,
        title: str | None = ...,
        metadata: Mapping[str, Any] | None = ...,
        id: str | None = ...,  # noqa: A002
    ) -> SessionHandle: ...
    def end_session(self) -> SessionHandle | None: ...
    @overload
    def tool(self, function: Callable[_P, _R], /) -> Callable[_P, _R]: ...
    @overload
    def tool(self, /, *, name: str | None = ...) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...
    def tool_call(self, item: object) -> ToolCall: ...
    def tool_diagnostics(self, diagnostic: Mapping[str, object]) -> None: ...
    def following(self, response: object) -> AbstractContextManager[None]: ...

class TracedOpenAI(_Traced, OpenAI):
    def __init__(
        self,
        *,
        api_key: str | Callable[[], str] | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        provider: _Provider | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.Client | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    def copy(
        self,
        *,
        api_key: str | Callable[[], str] | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        provider: _Provider | NotGiven | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        http_client: httpx2.Client | None = ...,
        max_retries: int | NotGiven = ...,
        default_headers: Mapping[str, str] | None = ...,
        set_default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        set_default_query: Mapping[str, object] | None = ...,
        _enforce_credentials: bool | None = ...,
        _extra_kwargs: Mapping[str, Any] = ...,
        recorder: Recorder | None = ...,
    ) -> Self: ...
    with_options = copy

class AsyncTracedOpenAI(_Traced, AsyncOpenAI):
    def __init__(
        self,
        *,
        api_key: str | Callable[[], Awaitable[str]] | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        provider: _Provider | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    def copy(
        self,
        *,
        api_key: str | Callable[[], Awaitable[str]] | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        provider: _Provider | NotGiven | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        max_retries: int | NotGiven = ...,
        default_headers: Mapping[str, str] | None = ...,
        set_default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        set_default_query: Mapping[str, object] | None = ...,
        _enforce_credentials: bool | None = ...,
        _extra_kwargs: Mapping[str, Any] = ...,
        recorder: Recorder | None = ...,
    ) -> Self: ...
    with_options = copy

class TracedAzureOpenAI(_Traced, AzureOpenAI):
    @overload
    def __init__(
        self,
        *,
        azure_endpoint: str,
        azure_deployment: str | None = ...,
        api_version: str | None = ...,
        api_key: str | Callable[[], str] | None = ...,
        admin_api_key: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AzureADTokenProvider | None = ...,
        organization: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.Client | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        azure_deployment: str | None = ...,
        api_version: str | None = ...,
        api_key: str | Callable[[], str] | None = ...,
        admin_api_key: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AzureADTokenProvider | None = ...,
        organization: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.Client | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        base_url: str,
        api_version: str | None = ...,
        api_key: str | Callable[[], str] | None = ...,
        admin_api_key: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AzureADTokenProvider | None = ...,
        organization: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.Client | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    def copy(
        self,
        *,
        api_key: str | Callable[[], str] | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        provider: _Provider | NotGiven | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        api_version: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AzureADTokenProvider | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        http_client: httpx2.Client | None = ...,
        max_retries: int | NotGiven = ...,
        default_headers: Mapping[str, str] | None = ...,
        set_default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        set_default_query: Mapping[str, object] | None = ...,
        _enforce_credentials: bool | None = ...,
        _extra_kwargs: Mapping[str, Any] = ...,
        recorder: Recorder | None = ...,
    ) -> Self: ...
    with_options = copy

class AsyncTracedAzureOpenAI(_Traced, AsyncAzureOpenAI):
    @overload
    def __init__(
        self,
        *,
        azure_endpoint: str,
        azure_deployment: str | None = ...,
        api_version: str | None = ...,
        api_key: str | Callable[[], Awaitable[str]] | None = ...,
        admin_api_key: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AsyncAzureADTokenProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        azure_deployment: str | None = ...,
        api_version: str | None = ...,
        api_key: str | Callable[[], Awaitable[str]] | None = ...,
        admin_api_key: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AsyncAzureADTokenProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        base_url: str,
        api_version: str | None = ...,
        api_key: str | Callable[[], Awaitable[str]] | None = ...,
        admin_api_key: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AsyncAzureADTokenProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    def copy(
        self,
        *,
        api_key: str | Callable[[], Awaitable[str]] | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        provider: _Provider | NotGiven | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        api_version: str | None = ...,
        azure_ad_token: str | None = ...,
        azure_ad_token_provider: AsyncAzureADTokenProvider | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        max_retries: int | NotGiven = ...,
        default_headers: Mapping[str, str] | None = ...,
        set_default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        set_default_query: Mapping[str, object] | None = ...,
        _enforce_credentials: bool | None = ...,
        _extra_kwargs: Mapping[str, Any] = ...,
        recorder: Recorder | None = ...,
    ) -> Self: ...
    with_options = copy

class TracedBedrockOpenAI(_Traced, BedrockOpenAI):
    def __init__(
        self,
        *,
        api_key: str | None = ...,
        bedrock_token_provider: BedrockTokenProvider | None = ...,
        aws_region: str | None = ...,
        aws_profile: str | None = ...,
        aws_access_key_id: str | None = ...,
        aws_secret_access_key: str | None = ...,
        aws_session_token: str | None = ...,
        aws_credentials_provider: AwsCredentialsProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        base_url: str | httpx2.URL | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.Client | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        _provider: _Provider | None = ...,
        _state: _LegacyBedrockState | None = ...,
        _region_was_explicit: bool | None = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    def copy(
        self,
        *,
        api_key: str | BedrockTokenProvider | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        provider: _Provider | NotGiven | None = ...,
        bedrock_token_provider: BedrockTokenProvider | None = ...,
        aws_region: str | None = ...,
        aws_profile: str | None = ...,
        aws_access_key_id: str | None = ...,
        aws_secret_access_key: str | None = ...,
        aws_session_token: str | None = ...,
        aws_credentials_provider: AwsCredentialsProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        http_client: httpx2.Client | None = ...,
        max_retries: int | NotGiven = ...,
        default_headers: Mapping[str, str] | None = ...,
        set_default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        set_default_query: Mapping[str, object] | None = ...,
        _enforce_credentials: bool | None = ...,
        _extra_kwargs: Mapping[str, Any] = ...,
        recorder: Recorder | None = ...,
    ) -> Self: ...
    with_options = copy

class AsyncTracedBedrockOpenAI(_Traced, AsyncBedrockOpenAI):
    def __init__(
        self,
        *,
        api_key: str | None = ...,
        bedrock_token_provider: AsyncBedrockTokenProvider | None = ...,
        aws_region: str | None = ...,
        aws_profile: str | None = ...,
        aws_access_key_id: str | None = ...,
        aws_secret_access_key: str | None = ...,
        aws_session_token: str | None = ...,
        aws_credentials_provider: AwsCredentialsProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        base_url: str | httpx2.URL | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        max_retries: int = ...,
        default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        _strict_response_validation: bool = ...,
        _enforce_credentials: bool = ...,
        _provider: _Provider | None = ...,
        _state: _LegacyBedrockState | None = ...,
        _region_was_explicit: bool | None = ...,
        recorder: Recorder | None = ...,
    ) -> None: ...
    def copy(
        self,
        *,
        api_key: str | AsyncBedrockTokenProvider | None = ...,
        admin_api_key: str | None = ...,
        workload_identity: WorkloadIdentity | X509WorkloadIdentity | None = ...,
        provider: _Provider | NotGiven | None = ...,
        bedrock_token_provider: AsyncBedrockTokenProvider | None = ...,
        aws_region: str | None = ...,
        aws_profile: str | None = ...,
        aws_access_key_id: str | None = ...,
        aws_secret_access_key: str | None = ...,
        aws_session_token: str | None = ...,
        aws_credentials_provider: AwsCredentialsProvider | None = ...,
        organization: str | None = ...,
        project: str | None = ...,
        webhook_secret: str | None = ...,
        websocket_base_url: str | httpx2.URL | None = ...,
        base_url: str | httpx2.URL | NotGiven | None = ...,
        data_residency: DataResidency | None = ...,
        timeout: float | Timeout | NotGiven | None = ...,
        http_client: httpx2.AsyncClient | None = ...,
        max_retries: int | NotGiven = ...,
        default_headers: Mapping[str, str] | None = ...,
        set_default_headers: Mapping[str, str] | None = ...,
        default_query: Mapping[str, object] | None = ...,
        set_default_query: Mapping[str, object] | None = ...,
        _enforce_credentials: bool | None = ...,
        _extra_kwargs: Mapping[str, Any] = ...,
        recorder: Recorder | None = ...,
    ) -> Self: ...
    with_options = copy
