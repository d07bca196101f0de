"""mixcse's losses in the real trainers: SentenceTransformerTrainer and transformers' Trainer, against
MultipleNegativesRankingLoss and against each other; stopped and continued; in parts (GradCache).

    python Tests/Interop/check_trainers.py [--model MODEL] [--device DEVICE] --text FILE_OF_SENTENCES

MODEL: whose tokenizer is taken; without it, the words of the sentences are the tokens. DEVICE: cpu, cuda, or elsewhere
(Tests/Interop/device); by default cuda where there is one."""
import argparse
import os
import socket
import tempfile

import mixcse
import torch
import torch.multiprocessing
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import AutoModel, AutoTokenizer, Trainer, TrainerCallback, TrainingArguments

from device.elsewhere import make_device
from tiny import tiny_bert, word_tokenizer
from mixcse.sentence_transformers import StrategyLoss
from mixcse.transformers import StrategyTrainer, TextCollator

RATE = 1e-3
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Losses(TrainerCallback):
    """What a trainer logs."""

    def __init__(self):
        self.logs = []

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" in logs:
            self.logs.append(dict(logs))

    def of(self, name="loss"):
        return [log[name] for log in self.logs]


def arguments(kind, folder, **more):
    settings = {
        "output_dir": folder, "per_device_train_batch_size": 16, "max_steps": 6, "learning_rate": RATE, "seed": 1,
        "logging_steps": 1, "report_to": "none", "save_strategy": "no", "use_cpu": DEVICE == "cpu",
        "disable_tqdm": True}
    return kind(**{**settings, **more})


def with_sentence_transformers(path, data, make_loss, folder, resume=False, **more):
    model = SentenceTransformer(path)
    losses, loss = Losses(), make_loss(model)
    callbacks = ([loss.callback()] if isinstance(loss, StrategyLoss) else []) + [losses]
    trainer = SentenceTransformerTrainer(
        model=model, args=arguments(SentenceTransformerTrainingArguments, folder, **more), train_dataset=data,
        loss=loss, callbacks=callbacks)
    trainer.train(resume_from_checkpoint=resume)
    assert model.device.type == DEVICE, model.device
    return losses, loss


def with_transformers(path, data, strategy, folder, resume=False, settings=None, **more):
    losses = Losses()
    trainer = StrategyTrainer(
        AutoModel.from_pretrained(path), strategy, AutoTokenizer.from_pretrained(path), pooler="avg",
        settings=settings, args=arguments(TrainingArguments, folder, **more), train_dataset=data)
    assert isinstance(trainer, Trainer)
    trainer.add_callback(losses)
    trainer.train(resume_from_checkpoint=resume)
    assert trainer.model.device.type == DEVICE, trainer.model.device
    return losses, trainer


def close(a, b, bound):
    assert len(a) == len(b) > 0, (a, b)
    assert max(abs(x - y) for x, y in zip(a, b)) < bound, (a, b)


def check_sentence_transformers(path, noisy, pairs, triples, folder):
    ours = lambda strategy, **settings: lambda model: StrategyLoss(model, strategy, **settings)
    theirs = lambda model: MultipleNegativesRankingLoss(model, scale=20.0)
    run = lambda data, loss, **more: with_sentence_transformers(path, data, loss, f"{folder}/st", **more)[0].of()
    for name, data in (("pairs", pairs), ("triples", triples)):
        expected = run(data, theirs)
        found = run(data, ours("simcse:temperature=0.05"))
        close(found, expected, 1e-3)
        assert abs(found[0] - found[-1]) > 0.05, "nothing was learned"
        # Two batches a step: each is a mean over its own rows, and the step takes the mean of the two.
        close(run(data, ours("simcse"), gradient_accumulation_steps=2, max_steps=3),
              run(data, theirs, gradient_accumulation_steps=2, max_steps=3), 1e-3)
        print(f"trainers: {len(found)} steps on {name}: simcse is MultipleNegativesRankingLoss")
    mixed = run(pairs, ours("infonce+mixcse:lambda=0.3"))
    assert all(a > b for a, b in zip(mixed, run(pairs, ours("simcse")))), "more negatives, a higher loss"
    # In parts: the same numbers, also where dropout draws.
    close(run(pairs, ours("infonce+mixcse:lambda=0.3", mini_batch_size=5)), mixed, 1e-3)
    noisy_run = lambda **settings: with_sentence_transformers(
        noisy, pairs, ours("infonce+queue:size=64", **settings), f"{folder}/noisy")[0].of()
    close(noisy_run(mini_batch_size=16), noisy_run(), 1e-4)
    # One column: dropout makes the two views; classes and scores by the type of the label.
    single = with_sentence_transformers(noisy, pairs.select_columns(["anchor"]), ours("simcse"), f"{folder}/one")[0]
    assert 0 < single.of()[-1] < 2.77, single.of()
    classes = pairs.add_column("label", [row % 8 for row in range(len(pairs))])
    assert run(classes, ours("supcon")) != run(classes, ours("simcse"))
    scores = pairs.add_column("score", [row % 5 / 4 for row in range(len(pairs))])
    logs = with_sentence_transformers(path, scores, ours("cosent"), f"{folder}/scores")[0]
    assert logs.of()[-1] > 0 and len(logs.of("mixcse/positiveLogit")) == 6
    try:
        run(triples.add_column("fourth", triples["anchor"]), ours("simcse"))
    except mixcse.ArgumentError as error:
        assert "1 to 3 columns" in str(error)
    else:
        raise SystemExit("four columns were not refused")


def check_continuing(path, pairs, folder):
    """A run with a queue and a learned scale, stopped in the middle, goes on as if nothing had been."""
    strategy, each = "infonce+queue:size=64", {"save_strategy": "steps", "save_steps": 3, "save_total_limit": 5}
    make = lambda model: StrategyLoss(model, strategy)
    expected = with_sentence_transformers(path, pairs, make, f"{folder}/whole", **each)[0].of()
    assert os.path.exists(f"{folder}/whole/checkpoint-3/mixcse_objective.pt")
    resumed = with_sentence_transformers(
        path, pairs, make, f"{folder}/whole", resume=f"{folder}/whole/checkpoint-3", **each)[0].of()
    close(resumed, expected[3:], 1e-5)
    whole, trainer = with_transformers(path, pairs, "siglip+queue:size=32", f"{folder}/hf", **each)
    groups = [group for group in trainer.optimizer.param_groups if len(group["params"]) == 1]
    assert any(abs(group["initial_lr"] - 100 * RATE) < 1e-9 for group in groups), "siglip's own learning rate"
    again, _ = with_transformers(
        path, pairs, "siglip+queue:size=32", f"{folder}/hf", resume=f"{folder}/hf/checkpoint-3", **each)
    close(again.of(), whole.of()[3:], 1e-5)
    print("trainers: stopped after 3 of 6 steps and continued, queue and learned scale among the rest")


def check_transformers(path, pairs, folder):
    """A batch of all rows: whatever the order, every trainer sees the same."""
    all_rows = {"per_device_train_batch_size": len(pairs)}
    found, trainer = with_transformers(path, pairs, "simcse", f"{folder}/all", **all_rows)
    expected = with_sentence_transformers(
        path, pairs, lambda model: StrategyLoss(model, "simcse"), f"{folder}/all-st", **all_rows)[0]
    close(found.of(), expected.of(), 1e-3)
    objective, batches = trainer.objective, trainer.objective.batches
    assert batches == 6 and objective.total_steps == 6 and objective.epoch > 4
    loss = trainer.evaluate(pairs)["eval_loss"]
    assert 0 < loss < found.of()[0] and objective.batches == batches, "evaluation is no batch of the training"
    accumulated, _ = with_transformers(
        path, pairs, "simcse", f"{folder}/half", gradient_accumulation_steps=2, max_steps=3)
    assert 0 < accumulated.of()[0] < found.of()[0], "the mean of two batches of fewer negatives"
    batch = TextCollator(trainer.processing_class)([{"anchor": "one text"}, {"anchor": "another text here"}])
    assert batch["views"] == 2 and len(batch["input_ids"]) == 4
    try:
        StrategyTrainer(trainer.model, "simcse", trainer.processing_class, pooler="nonsense")
    except mixcse.ArgumentError as error:
        assert "cls, avg" in str(error)
    else:
        raise SystemExit("an unknown pooler was not refused")
    print("trainers: transformers' Trainer and sentence-transformers' agree")


def rank(index, count, port, path, lines, folder, strategy, settings):
    """One of the processes of a run, as a launcher starts it; the rows of a step are those of one process."""
    if count > 1:
        os.environ.update(
            RANK=str(index), LOCAL_RANK=str(index), WORLD_SIZE=str(count), LOCAL_WORLD_SIZE=str(count),
            MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    pairs = Dataset.from_dict({"anchor": lines[:96], "positive": lines[96:192]})
    log, loss = with_sentence_transformers(
        path, pairs, lambda model: StrategyLoss(model, strategy, **settings), f"{folder}/{count}",
        per_device_train_batch_size=16 // count, ddp_backend="gloo" if count > 1 else None)
    assert type(loss.model).__name__ == ("DistributedDataParallel" if count > 1 else "SentenceTransformer")
    if index == 0:
        # AdamW takes gradients of any scale alike: their norms tell it.
        torch.save(log.of() + log.of("grad_norm"), f"{folder}/{count}.pt")


def check_ranks(path, lines, folder):
    os.makedirs(folder)
    for strategy, settings in (("infonce+queue:size=64", {"mini_batch_size": 3}), ("siglip", {})):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        for count in (1, 2):
            torch.multiprocessing.spawn(
                rank, (count, port, path, lines, folder, strategy, settings), nprocs=count)
        close(*[torch.load(f"{folder}/{count}.pt") for count in (2, 1)], 1e-3)
    print("trainers: two ranks under DistributedDataParallel train as one process, in parts and what is learned, too")


def main():
    global DEVICE
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--device", default=DEVICE)
    parser.add_argument("--text", required=True)
    options = parser.parse_args()
    DEVICE = options.device
    if DEVICE == "elsewhere" and torch.cuda.is_available():
        print("trainers: a GPU is here, which trainers take before all others")
        return
    if DEVICE == "elsewhere":
        make_device()
        # How accelerate and transformers are told of a device that they do not know.
        os.environ["ACCELERATE_TORCH_DEVICE"] = DEVICE
    with open(options.text, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file][:288]
    pairs = Dataset.from_dict({"anchor": lines[:96], "positive": lines[96:192]})
    triples = pairs.add_column("negative", lines[192:])
    with tempfile.TemporaryDirectory() as folder:
        source = options.model or word_tokenizer(lines, f"{folder}/words")
        path = tiny_bert(source, f"{folder}/exact", 0.0)
        noisy = tiny_bert(source, f"{folder}/noisy-model", 0.2)
        check_sentence_transformers(path, noisy, pairs, triples, folder)
        check_continuing(path, pairs, folder)
        check_transformers(path, pairs, folder)
        if DEVICE == "cpu":
            check_ranks(path, lines, f"{folder}/ranks")


if __name__ == "__main__":
    main()
