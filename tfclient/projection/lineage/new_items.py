"""What is new in a request: its items past the match, told apart by what they do to the conversation."""

from __future__ import annotations

from attrs import define, field

from tfclient.projection.api.fingerprints import digest
from tfclient.projection.api.items import Item
from tfclient.projection.lineage.lineage_index import LineageIndex
from tfclient.projection.lineage.nodes import Match


@define
class News:
    """The new items of a request, by what they do: answer calls, open a run, or bring history from outside."""

    outputs: list[Item] = field(factory=list[Item])
    prompts: list[Item] = field(factory=list[Item])
    approvals: list[Item] = field(factory=list[Item])
    calls: list[Item] = field(factory=list[Item])
    compactions: list[Item] = field(factory=list[Item])
    others: list[Item] = field(factory=list[Item])
    context: list[Item] = field(factory=list[Item])
    policies: int = 0
    key: bytes = b""

    @property
    def only_policies(self) -> bool:
        """Whether instructions are all that is new."""
        rest = (
            self.outputs,
            self.prompts,
            self.approvals,
            self.calls,
            self.compactions,
            self.others,
            self.context,
        )
        return self.policies > 0 and not any(rest)


def news_of(items: list[Item], match: Match, index: LineageIndex) -> News:
    """Return what a request adds to the response it continues.

    The last block of user messages opens the run. What stands before it and was never recorded is context,
    except outputs of calls that are known. Call items that the parent itself produced are nothing new.
    """
    news = News()
    start, end = _prompt_block(items, match.start)
    for place in range(match.known_from, len(items)):
        item = items[place]
        if place < match.start:
            if item.kind == "output" and index.find_call(item.call_id or item.name, match.parent):
                news.outputs.append(item)
        elif place < start:
            _sort(item, news, match, index, after=False)
        elif place < end:
            (news.prompts if item.kind == "message" else news.others if item.kind != "policy" else []).append(
                item
            )
            news.policies += item.kind == "policy"
        else:
            _sort(item, news, match, index, after=True)
    prints = [
        fingerprint for item in items[match.start :] if (fingerprint := index.fingerprint(item)) is not None
    ]
    news.key = digest(*prints) if prints else b""
    return news


def _prompt_block(items: list[Item], start: int) -> tuple[int, int]:
    end = len(items)
    while end > start and not _is_prompt(items[end - 1]):
        end -= 1
    if end == start:
        return start, start
    begin = end - 1
    while begin > start and (_is_prompt(items[begin - 1]) or items[begin - 1].kind == "policy"):
        begin -= 1
    while items[begin].kind == "policy":
        begin += 1
    return begin, end


def _is_prompt(item: Item) -> bool:
    return item.kind == "message" and item.role != "assistant"


def _sort(item: Item, news: News, match: Match, index: LineageIndex, *, after: bool) -> None:
    """Put an item before or after the prompt where it belongs; a call that is known is nothing new."""
    key = item.call_id or (item.name if item.kind == "output" else None)
    known = index.find_call(key, match.parent) if item.kind in {"call", "output"} else None
    if item.kind == "policy":
        news.policies += 1
    elif item.kind == "approval_response":
        news.approvals.append(item)
    elif item.kind == "compaction":
        news.compactions.append(item)
    elif item.kind == "output" and (after or known):
        news.outputs.append(item)
    elif item.kind == "call" and (after or known):
        news.calls += [] if known else [item]
    elif item.kind == "other" and after:
        news.others.append(item)
    else:
        news.context.append(item)
