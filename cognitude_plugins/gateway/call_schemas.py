"""The bodies of model calls and their answers, for documentation only: the request path looks at bytes.

A request's constraints are those that are enforced: the gateway's own, and what no provider accepts otherwise. Fields
without a type are the provider's to judge. Further fields pass through.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

OPEN: Final = ConfigDict(extra="allow")

ModelName = Annotated[
    str, Field(min_length=1, description="A model of this gateway, as GET /v1/models lists them.", examples=["sim"])
]
Stream = Annotated[bool | None, Field(description="Whether to answer with server-sent events.", examples=[True])]
StreamOptions = Annotated[
    Any,
    Field(description='Object. {"include_usage": true} adds an event with the token counts at the end of a stream.'),
]
Choices = Annotated[
    int | None, Field(ge=1, le=8, description="How many answers to give; 8 is the limit unless configured otherwise.")
]
MaxTokens = Annotated[int | None, Field(ge=1, description="The most tokens an answer may have.")]
Temperature = Annotated[Any, Field(description="Number from 0 to 2: how much chance there is in the answer.")]
TopP = Annotated[Any, Field(description="Number from 0 to 1: the share of probability that is sampled from.")]
Stop = Annotated[Any, Field(description="String, or array of strings: text at which the answer ends.")]
Seed = Annotated[Any, Field(description="Integer: the same seed asks for the same answer.")]
User = Annotated[Any, Field(description="String: an id of your end user.")]


class ChatMessage(BaseModel):
    model_config = OPEN

    role: str = Field(description="system, developer, user, assistant or tool.", examples=["user"])
    content: Any = Field(default=None, description="Text, or an array of parts: text, images, audio.")
    tool_calls: Any = Field(default=None, description="Array: the tools that the assistant called.")
    tool_call_id: Any = Field(default=None, description="String: the call that a tool's message answers.")


class ChatCompletionRequest(BaseModel):
    model_config = OPEN

    model: ModelName
    messages: list[ChatMessage] = Field(
        min_length=1,
        max_length=4096,
        description="The conversation so far; 4 096 messages are the limit unless configured otherwise.",
        examples=[[{"role": "user", "content": "Hello"}]],
    )
    stream: Stream = None
    stream_options: StreamOptions = None
    n: Choices = None
    max_completion_tokens: MaxTokens = None
    max_tokens: MaxTokens = None
    temperature: Temperature = None
    top_p: TopP = None
    stop: Stop = None
    seed: Seed = None
    tools: Any = Field(default=None, description="Array: the functions that the model may call.")
    tool_choice: Any = Field(default=None, description='"none", "auto", "required", or a function by name.')
    parallel_tool_calls: Any = Field(default=None, description="Boolean: whether several tools may be called at once.")
    response_format: Any = Field(default=None, description="Object: text, json_object or json_schema.")
    logprobs: Any = Field(default=None, description="Boolean: whether to give the tokens' log probabilities.")
    top_logprobs: Any = Field(default=None, description="Integer from 0 to 20: how many alternatives for each token.")
    user: User = None


class CompletionRequest(BaseModel):
    model_config = OPEN

    model: ModelName
    prompt: str | Annotated[list[Any], Field(min_length=1)] = Field(
        description="The text to continue, or an array of texts, of tokens, or of arrays of tokens.", examples=["Hello"]
    )
    stream: Stream = None
    stream_options: StreamOptions = None
    n: Choices = None
    max_tokens: Annotated[int | None, Field(ge=0, description="The most tokens an answer may have.")] = None
    temperature: Temperature = None
    top_p: TopP = None
    stop: Stop = None
    seed: Seed = None
    echo: Any = Field(default=None, description="Boolean: whether the answer begins with the prompt.")
    logprobs: Any = Field(default=None, description="Integer: how many alternatives to give for each token.")
    user: User = None


class EmbeddingRequest(BaseModel):
    model_config = OPEN

    model: ModelName
    input: Annotated[str, Field(min_length=1)] | Annotated[list[Any], Field(min_length=1)] = Field(
        description="A text, or an array of texts, of tokens, or of arrays of tokens.", examples=["Hello"]
    )
    dimensions: int | None = Field(default=None, ge=1, description="The length of each vector, if not the model's own.")
    encoding_format: Literal["float", "base64"] | None = Field(
        default=None, description="Numbers, or their little-endian 32-bit form in base64."
    )
    user: User = None


class Usage(BaseModel):
    """Tokens, as the provider counted them."""

    model_config = OPEN

    prompt_tokens: int = 0
    completion_tokens: int | None = 0
    total_tokens: int = 0


class ChatChoice(BaseModel):
    model_config = OPEN

    index: int
    message: ChatMessage
    finish_reason: str | None = Field(default=None, description="stop, length, tool_calls or content_filter.")


class ChatCompletion(BaseModel):
    model_config = OPEN

    id: str
    object: Literal["chat.completion"]
    created: int = Field(description="Seconds since 1970.")
    model: str = Field(description="The model that answered, as its provider names it.")
    choices: list[ChatChoice]
    usage: Usage | None = None


class ChatChunkChoice(BaseModel):
    model_config = OPEN

    index: int
    delta: dict[str, Any] = Field(description="What is new: role, content, tool_calls.")
    finish_reason: str | None = None


class ChatCompletionChunk(BaseModel):
    model_config = OPEN

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChatChunkChoice]
    usage: Usage | None = None


class TextChoice(BaseModel):
    model_config = OPEN

    index: int
    text: str
    finish_reason: str | None = None


class Completion(BaseModel):
    """A whole answer, or one event of a streamed one."""

    model_config = OPEN

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[TextChoice]
    usage: Usage | None = None


class Embedding(BaseModel):
    model_config = OPEN

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str = Field(description="Numbers, or base64 if that was asked for.")


class EmbeddingList(BaseModel):
    model_config = OPEN

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: Usage | None = None


class ShadowDecision(BaseModel):
    plugin: str
    stage: str
    would: str = Field(description="What the plugin would have done, in words.")


class Decision(BaseModel):
    """The answer to a dry run: where the call would have gone. No provider is called."""

    object: Literal["cognitude.decision"]
    id: str
    model: str
    deployments: list[str] = Field(description="In the order in which they would be tried.")
    reasons: list[str] = Field(description="Why the routers chose so.")
    shadow: list[ShadowDecision] = Field(description="What plugins in shadow mode would have done.")


class ChatAnswer(RootModel[ChatCompletion | Decision]):
    """The completion, or the decision of a dry run."""


class CompletionAnswer(RootModel[Completion | Decision]):
    """The completion, or the decision of a dry run."""


class EmbeddingAnswer(RootModel[EmbeddingList | Decision]):
    """The embeddings, or the decision of a dry run."""
