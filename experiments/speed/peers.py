"""Other implementations that decode with the weights of a run: text in, text out, as attn does.

Each has what is best for it: 64 sentences of like lengths at once. The run must be a pre-norm
Transformer with softmax attention, sinusoidal positions, ReLU and one vocabulary, tied, for that is
what all of them can compute.
"""

import importlib.util
import sys
import tempfile
import types
import unittest.mock
from collections.abc import Sequence
from typing import Any

import torch
from conversion import opennmt_weights, table, torch_weights
from torch import Tensor, nn

from attn.search.beam import Beam
from attn.search.greedy import Greedy
from attn.tokenizers import BOS, EOS, PAD, UNK
from attn.trained import Trained
from attn.translation import Translator

SENTENCES = 64  # at once
PENALTY = 0.6  # for the length of a translation
Ids = list[int]


def load(run: str, workers: int | str) -> Translator:
    """The best checkpoint of a run, in fp32 on the CPU."""
    precision = {"device": "cpu", "dtype": "fp32", "tf32": False, "threads": 0, "workers": workers}
    return Trained.of({"run": run, "checkpoint": "best", "precision": precision}).translator()


def fault(config: dict[str, Any]) -> str | None:
    """Why peers cannot compute what a run does, if so."""
    wanted = {"name": "transformer", "norm": "pre", "activation": "relu", "tied": "all"}
    model = config["model"]
    wrong = [f"model.{key}={model[key]}" for key, one in wanted.items() if model[key] != one]
    wrong += [f"position={config['position']['name']}"] * (
        config["position"]["name"] != "sinusoidal"
    )
    wrong += [f"attention={config['attention']['name']}"] * (
        config["attention"]["name"] != "softmax"
    )
    return f"{', '.join(wrong)}: peers need another" if wrong else None


class Attn:
    """This project, as ``attn translate`` runs it."""

    def __init__(self, run: str, workers: int | str) -> None:
        self.translator = load(run, workers)

    def __call__(self, texts: Sequence[str], size: int) -> list[str]:
        """The translations: greedy for size 1, else with a beam."""
        search = Greedy() if size == 1 else Beam(size=size, length_penalty=PENALTY)
        return [one.text for one in self.translator.translate(texts, search)]


class Peer:
    """Tokenizes, decodes batches of sentences of like lengths, the longest first, detokenizes."""

    def __init__(self, run: str) -> None:
        translator = load(run, 1)
        self.vocabularies, self.ours = translator.vocabularies, translator.model

    def __call__(self, texts: Sequence[str], size: int) -> list[str]:
        """The translations: greedy for size 1, else with a beam."""
        sources = [[*self.vocabularies.source.encode(text), EOS] for text in texts]
        decode = self.vocabularies.target.decode
        said = zip(sources, self.decode(sources, size), strict=True)
        return [decode(ids[: limit(source)]) for source, ids in said]

    @torch.no_grad()
    def decode(self, sources: list[Ids], size: int) -> list[Ids]:
        """The translation of each source."""
        order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
        said: list[Ids] = [[]] * len(sources)
        for begin in range(0, len(order), SENTENCES):
            some = order[begin : begin + SENTENCES]
            tensors = [torch.tensor(sources[i]) for i in some]
            batch = nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=PAD)
            for i, ids in zip(some, self.batch(batch, size), strict=True):
                said[i] = ids
        return said

    def batch(self, source: Tensor, size: int) -> list[Ids]:
        """The translation of each row."""
        raise NotImplementedError


class Plain(Peer):
    """What one writes in an hour: ``torch.nn.Transformer`` on the whole prefix at each step."""

    def __init__(self, run: str) -> None:
        super().__init__(run)
        ours: Any = self.ours
        layer = ours.encoder[0]
        inner, dim = layer.feedforward.inner.weight.shape
        depths = len(ours.encoder), len(ours.decoder)
        heads = layer.attention.projections.heads
        self.model = nn.Transformer(
            dim, heads, *depths, inner, dropout=0.0, batch_first=True, norm_first=True
        ).eval()
        self.model.load_state_dict(torch_weights(ours))
        self.embedding = ours.target_embedding.weight
        self.positions = table(ours)

    def batch(self, source: Tensor, size: int) -> list[Ids]:
        """The likeliest token at each step, till all have ended."""
        assert size == 1, "the plain loop knows greedy search alone"
        padding = source == PAD
        memory = self.model.encoder(self.embedded(source), src_key_padding_mask=padding)
        limits = 2 * (~padding).sum(-1) + 10
        said = source.new_full((len(source), 1), BOS)
        going = torch.ones(len(source), dtype=torch.bool)
        while going.any():
            length = said.shape[1]
            hidden = self.model.decoder(
                self.embedded(said),
                memory,
                tgt_mask=torch.ones(length, length).triu(1).bool(),
                memory_key_padding_mask=padding,
            )
            token = (hidden[:, -1] @ self.embedding.t()).argmax(-1)
            said = torch.cat((said, torch.where(going, token, PAD)[:, None]), 1)
            going = going & (token != EOS) & (length < limits)
        return [[token for token in row if token not in (PAD, EOS)] for row in said[:, 1:].tolist()]

    def embedded(self, ids: Tensor) -> Tensor:
        """Embeddings and positions."""
        scale = self.embedding.shape[1] ** 0.5
        return nn.functional.embedding(ids, self.embedding) * scale + self.positions[: ids.shape[1]]


class OpenNMT(Peer):
    """OpenNMT-py's modules, translator and search."""

    NEEDLESS = ("ahocorasick", "fasttext", "rapidfuzz", "spacy")  # imported, but not used here

    def __init__(self, run: str) -> None:
        super().__init__(run)
        for name in self.NEEDLESS:
            if importlib.util.find_spec(name) is None:
                sys.modules[name] = unittest.mock.MagicMock(__spec__=None)
        onmt = importlib.import_module("onmt")
        importlib.import_module("onmt.translate")
        ours: Any = self.ours
        layer = ours.encoder[0]
        inner, dim = layer.feedforward.inner.weight.shape
        sizes = dim, layer.attention.projections.heads, inner
        vocabulary = len(ours.target_embedding.weight)
        make, eps = onmt.modules.Embeddings, {"norm_eps": ours.encoder_norm.eps}
        tables = [make(dim, vocabulary, PAD, position_encoding=True) for _ in range(2)]
        dropouts = 0.0, 0.0
        encoder = onmt.encoders.TransformerEncoder(
            len(ours.encoder), *sizes, *dropouts, tables[0], 0, 0, **eps
        )
        decoder = onmt.decoders.TransformerDecoder(
            len(ours.decoder), *sizes, False, "scaled-dot", *dropouts, tables[1],
            0, 0, False, False, 0, 0, **eps
        )  # fmt: skip
        self.model = onmt.models.NMTModel(encoder, decoder)
        self.model.generator = nn.Linear(dim, vocabulary)
        weights = opennmt_weights(ours)
        for part in tables:
            part.make_embedding.pe.pe = weights["encoder.embeddings.make_embedding.pe.pe"]
        nn.Module.load_state_dict(self.model, weights)  # its own wants a file's layout
        self.model.eval()
        self.onmt, self.words = onmt, _Words(vocabulary)

    def batch(self, source: Tensor, size: int) -> list[Ids]:
        """What its translator finds."""
        onmt = self.onmt
        wu = ("none" if size == 1 else "wu", "none")
        scorer = onmt.translate.GNMTGlobalScorer(PENALTY, 0.0, *wu)
        words = {"src": self.words, "tgt": self.words, "decoder_start_token": "<s>"}
        translator = onmt.translate.Translator(
            self.model, words, beam_size=size, max_length_ratio=2, global_scorer=scorer
        )
        given = {"src": source[:, :, None], "srclen": (source != PAD).sum(-1)}
        found = translator.translate_batch(given, attn_debug=False)["predictions"]
        return [[token for token in one[0].tolist() if token != EOS] for one in found]


class _Words:
    """As much of a vocabulary as OpenNMT-py's translator asks for."""

    SPECIAL = types.MappingProxyType({"<blank>": PAD, "<s>": BOS, "</s>": EOS, "<unk>": UNK})

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def lookup_token(self, token: str) -> int:
        """The id of a special token; what there is none of is unknown."""
        return self.SPECIAL.get(token, UNK)


class CTranslate2(Peer):
    """CTranslate2's C++, given a model in the names of OpenNMT-py."""

    def __init__(self, run: str, workers: int, threads: int) -> None:
        super().__init__(run)
        ctranslate2 = importlib.import_module("ctranslate2")
        reader = importlib.import_module("ctranslate2.converters.opennmt_py")
        ours: Any = self.ours
        depths = len(ours.encoder), len(ours.decoder)
        heads = ours.encoder[0].attention.projections.heads
        spec = ctranslate2.specs.TransformerSpec.from_config(depths, heads, pre_norm=True)
        reader.set_transformer_spec(spec, opennmt_weights(ours))
        spec.config.layer_norm_epsilon = ours.encoder_norm.eps
        size = len(ours.target_embedding.weight)
        words = ["<blank>", "<s>", "</s>", "<unk>", *map(str, range(4, size))]
        spec.register_source_vocabulary(words)
        spec.register_target_vocabulary(words)
        spec.validate()
        spec.optimize()
        self.words, self.ids = words, {word: number for number, word in enumerate(words)}
        with tempfile.TemporaryDirectory() as folder:
            spec.save(folder)
            self.translator = ctranslate2.Translator(
                folder, compute_type="float32", inter_threads=workers, intra_threads=threads
            )

    def decode(self, sources: list[Ids], size: int) -> list[Ids]:
        """The translation of each source; it sorts and cuts into batches by itself."""
        found = self.translator.translate_batch(
            [[self.words[token] for token in source] for source in sources],
            max_batch_size=SENTENCES,
            beam_size=size,
            length_penalty=0 if size == 1 else PENALTY,
            max_decoding_length=limit(max(sources, key=len)),
        )
        return [[self.ids[word] for word in one.hypotheses[0]] for one in found]


def limit(source: Sequence[int]) -> int:
    """The most tokens of a translation."""
    return 2 * len(source) + 10
