"""Building the word-level tokenizer of atlas."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from graphlabel.atlas.pieces import BOS, EOS, PAD, SPECIALS, UNKNOWN, split_pattern
from graphlabel.atlas.templates import TemplateBook, load_templates
from graphlabel.atlas.world import World, load_world

MAX_LENGTH = 256


def _words_of_slots(world: World, book: TemplateBook) -> dict[str, list[str]]:
    words = {name: list(fillers) for name, fillers in book.fillers.items()}
    words["city"] = list(world.state_of_place)
    words["state"] = [state.name for state in world.states]
    words["capital"] = [state.capital for state in world.states]
    words["capital"] += [country.capital for country in world.countries]
    words["country"] = [country.name for country in world.countries]
    for slot in ("continent", "language", "currency"):
        words[slot] = [getattr(country, slot) for country in world.countries]
    return words


def vocabulary() -> dict[str, int]:
    """Token ids: the special tokens, then every token that a document can hold, sorted."""
    world, book = load_world(), load_templates()
    words = _words_of_slots(world, book)
    found: set[str] = set()
    for templates in (*book.relations.values(), *book.prose.values()):
        for template in templates:
            slots = dict(template.slots)
            for position, piece in enumerate(template.pieces):
                forms = [piece, f" {piece}"] if position == 0 else [piece]
                if position in slots:
                    space = "" if piece[0] == "{" else " "
                    spaces = ["", " "] if position == 0 else [space]
                    choices = words[slots[position].rstrip("2")]
                    forms = [f"{gap}{word}" for gap in spaces for word in choices]
                found.update(forms)
    return {token: index for index, token in enumerate((*SPECIALS, *sorted(found)))}


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer as a fast tokenizer of transformers."""
    vocab = vocabulary()
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(split_pattern()), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, vocab[BOS])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_LENGTH,
    )


def save_tokenizer(folder: Path) -> None:
    """Write the tokenizer files into a model folder."""
    build_tokenizer().save_pretrained(str(folder))
