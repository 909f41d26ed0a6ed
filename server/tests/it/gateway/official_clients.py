"""Uses the official `openai` and `anthropic` packages as their documentation shows it, with nothing changed but base URL and key.

Arguments: the gateway's URL, the workspace's key. Prints one line of JSON for each call.
"""

import json
import sys

import anthropic
import openai

gateway, key = sys.argv[1:]
PROMPT = "canary-prompt"
MESSAGES = [{"role": "user", "content": PROMPT}]


def tell(call, **facts):
    print(json.dumps({"call": call, **facts}), flush=True)


def openai_client(agent):
    return openai.OpenAI(base_url=f"{gateway}/v1/ai/{agent}", api_key=key, max_retries=0)


def anthropic_client(agent):
    return anthropic.Anthropic(base_url=f"{gateway}/v1/ai/{agent}", api_key=key, max_retries=0)


client = openai_client("bot")
answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
tell("chat", text=answer.choices[0].message.content, output=answer.usage.completion_tokens)

chunks = list(
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True})
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
tell("chat stream", text=text, output=chunks[-1].usage.completion_tokens)

answer = client.responses.create(model="gpt-4o", input=PROMPT)
tell("responses", text=answer.output_text, output=answer.usage.output_tokens)

events = list(client.responses.create(model="gpt-4o", input=PROMPT, stream=True))
text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
tell("responses stream", text=text, output=events[-1].response.usage.output_tokens)

answer = client.embeddings.create(model="gpt-4o", input=PROMPT, encoding_format="float")
tell("embeddings", vector=answer.data[0].embedding, input=answer.usage.prompt_tokens)

tell("models", ids=[model.id for model in client.models.list()])

client = anthropic_client("claude")
answer = client.messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=MESSAGES)
tell("messages", text=answer.content[0].text, output=answer.usage.output_tokens)

with client.messages.stream(model="claude-sonnet-4-5", max_tokens=64, messages=MESSAGES) as stream:
    text = "".join(stream.text_stream)
    tell("messages stream", text=text, output=stream.get_final_message().usage.output_tokens)

try:
    openai_client("strict").chat.completions.create(model="gpt-4", max_tokens=1, messages=MESSAGES)
except openai.PermissionDeniedError as error:
    tell("openai refused", status=error.status_code, code=error.response.json()["code"])

try:
    openai.OpenAI(base_url=f"{gateway}/v1/ai/bot", api_key="tk_wrong", max_retries=0).models.list()
except openai.AuthenticationError as error:
    tell("openai wrong key", status=error.status_code, code=error.response.json()["code"])

try:
    anthropic_client("nobody").messages.create(model="claude-sonnet-4-5", max_tokens=64, messages=MESSAGES)
except anthropic.NotFoundError as error:
    tell("anthropic refused", status=error.status_code, code=error.response.json()["code"])
