"""StrategyLoss as SentenceTransformerTrainer is used at large: several data sets with a loss each or one for all,
evaluators beside it, prompts, samplers without duplicates, losses around it, model cards.

    python Tests/Interop/check_datasets.py [--model MODEL] --text FILE_OF_SENTENCES"""
import argparse
import logging
import os
import tempfile
from types import SimpleNamespace

import mixcse
import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import (
    SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments)
from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss
from sentence_transformers.training_args import BatchSamplers, MultiDatasetBatchSamplers

from check_trainers import RATE, Losses, arguments, close
from mixcse._trainer import ObjectiveCallback
from mixcse.sentence_transformers import StrategyLoss
from tiny import tiny_bert, word_tokenizer


def train(path, data, make_loss, folder, callbacks=(), resume=None, more=None, truncate_dim=None, **settings):
    """callbacks: what is made of the losses for the trainer; more: its arguments, settings: those of its args."""
    model, log = SentenceTransformer(path, truncate_dim=truncate_dim), Losses()
    loss = make_loss(model)
    trainer = SentenceTransformerTrainer(
        model=model, train_dataset=data, loss=loss, callbacks=[*(callbacks(loss) if callbacks else ()), log],
        args=arguments(SentenceTransformerTrainingArguments, folder, **settings), **(more or {}))
    trainer.train(resume_from_checkpoint=resume)
    return trainer, log


def named(losses):
    return [loss.callback(name) for name, loss in losses.items()]


def refused(words, call):
    try:
        call()
    except mixcse.ArgumentError as error:
        assert words in str(error), error
    else:
        raise SystemExit(f"not refused: {words}")


def check_a_loss_each(path, both, folder):
    """Each data set has its strategy; both are told the trainer's step, and go on from the checkpoint."""
    make = lambda model: {"nli": StrategyLoss(model, "infonce+queue:size=32"), "sim": StrategyLoss(model, "siglip")}
    saving = {"save_strategy": "steps", "save_steps": 3, "max_steps": 8, "save_total_limit": 5}
    for sampler in (MultiDatasetBatchSamplers.ROUND_ROBIN, MultiDatasetBatchSamplers.PROPORTIONAL):
        run = lambda **more: train(path, both, make, f"{folder}/{sampler}", named, multi_dataset_batch_sampler=sampler,
                                   learning_rate_mapping={"sim.objective": 100 * RATE}, **saving, **more)
        trainer, whole = run()
        objectives = {name: loss.objective for name, loss in trainer.loss.items()}
        batches = {name: objective.batches for name, objective in objectives.items()}
        assert sum(batches.values()) == 8 and min(batches.values()) > 0, batches
        assert {objective.step for objective in objectives.values()} == {7}
        learned = list(objectives["sim"].parameters())
        groups = [group for group in trainer.optimizer.param_groups if group["initial_lr"] == 100 * RATE]
        found = [parameter for group in groups for parameter in group["params"]]
        assert learned and len(found) == len(learned) and all(any(a is b for b in found) for a in learned)
        assert all("mixcse/nli/positiveLogit" in log and "mixcse/sim/positiveLogit" in log for log in whole.logs[2:])
        assert not any("mixcse/positiveLogit" in log for log in whole.logs)
        names = set(os.listdir(f"{folder}/{sampler}/checkpoint-3"))
        assert {"mixcse_objective_nli.pt", "mixcse_objective_sim.pt"} < names, names
        again, rest = run(resume=f"{folder}/{sampler}/checkpoint-3")
        close(rest.of(), whole.of()[3:], 1e-5)
        assert {name: loss.objective.batches for name, loss in again.loss.items()} == batches
    refused("a name for each of several losses", lambda: train(
        path, both, make, f"{folder}/nameless", lambda losses: [loss.callback() for loss in losses.values()]))
    print("datasets: a strategy for each of several, by turns and in proportion, stopped and continued")


def check_one_for_all(path, both, folder):
    make = lambda model: StrategyLoss(model, "infonce+queue:size=64")
    trainer, log = train(path, both, make, f"{folder}/one", lambda loss: [loss.callback()],
                         batch_sampler=BatchSamplers.NO_DUPLICATES)
    assert len(set(log.of())) == 6 and trainer.loss.objective.batches == 6
    # A function makes the loss, whose callback is then added.
    model, log = SentenceTransformer(path), Losses()
    trainer = SentenceTransformerTrainer(
        model=model, train_dataset=both["nli"], loss=make, callbacks=[log],
        args=arguments(SentenceTransformerTrainingArguments, f"{folder}/made"))
    trainer.add_callback(trainer.loss.callback())
    trainer.train()
    assert trainer.loss.objective.total_steps == 6 and trainer.loss.objective.batches == 6
    # Another folder than the checkpoint's: said, since what is remembered is not found there.
    _, whole = train(path, both["nli"], make, f"{folder}/there", lambda loss: [loss.callback()], save_strategy="steps",
                     save_steps=3)
    heard = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logging.getLogger("mixcse").addHandler(handler)
    train(path, both["nli"], make, f"{folder}/elsewhere", lambda loss: [loss.callback()],
          resume=f"{folder}/there/checkpoint-3")
    logging.getLogger("mixcse").removeHandler(handler)
    assert any("begins anew" in line and "after step 3" in line for line in heard), heard


def check_ranks_of_their_own(folder):
    """What each rank remembers of its own rows is saved and read by that rank."""
    def callback(rank, rows):
        objective = mixcse.Objective("infonce+queue:size=8", 4)
        torch.manual_seed(rank)
        if rows:
            objective(*[torch.randn(rows, 4, requires_grad=True) for _ in range(2)])
        told = SimpleNamespace(output_dir=folder, process_index=rank, gradient_accumulation_steps=1)
        state = SimpleNamespace(global_step=1, max_steps=9, is_world_process_zero=rank == 0)
        return ObjectiveCallback(objective, "nli"), told, state

    os.makedirs(f"{folder}/checkpoint-1")
    for gathers in (False, True):
        for rank in (0, 1):
            made, told, state = callback(rank, 3)
            made.objective.gather = gathers
            made.on_save(told, state, None)
            again, told, state = callback(rank, 0)
            again.objective.gather = gathers
            again.on_train_begin(told, state, None)
            # Ranks that gather remember the same, which rank 0 writes.
            expected, found = (each.objective.get_extra_state()["states"] for each in (made, again))
            same = all(torch.equal(expected[name], found[name]) for name in expected)
            assert same == (not gathers or rank == 0) and again.objective.batches == 1
    assert sorted(os.listdir(f"{folder}/checkpoint-1")) == [
        "mixcse_objective_nli.pt", "mixcse_objective_nli_rank1.pt"]


def check_prompts(path, pairs, folder):
    make = lambda model: StrategyLoss(model, "infonce+mixcse:lambda=0.3")
    told = train(path, pairs, make, f"{folder}/told", prompts={"anchor": "query one ", "positive": "passage "})[1]
    written = pairs.map(lambda row: {"anchor": "query one " + row["anchor"], "positive": "passage " + row["positive"]})
    close(told.of(), train(path, written, make, f"{folder}/written")[1].of(), 1e-5)
    assert told.of() != train(path, pairs, make, f"{folder}/bare")[1].of()


def check_evaluation(path, pairs, folder):
    """Evaluators and the loss of other data leave what is remembered, and the run, as they are."""
    make = lambda model: StrategyLoss(model, "infonce+queue:size=64")
    plain = train(path, pairs, make, f"{folder}/plain", lambda loss: [loss.callback()])[1]
    evaluator = EmbeddingSimilarityEvaluator(
        pairs["anchor"][:40], pairs["positive"][:40], [row % 6 / 5 for row in range(40)], name="some")
    trainer, log = train(
        path, pairs, make, f"{folder}/scored", lambda loss: [loss.callback()], eval_strategy="steps", eval_steps=2,
        save_strategy="steps", save_steps=2, load_best_model_at_end=True,
        metric_for_best_model="eval_some_spearman_cosine", more={"evaluator": evaluator, "eval_dataset": pairs})
    close(log.of(), plain.of(), 1e-6)
    assert trainer.loss.objective.batches == 6
    scored = [entry for entry in trainer.state.log_history if "eval_some_spearman_cosine" in entry]
    assert len(scored) == 3 and all(entry["eval_loss"] > 0 for entry in scored)
    card = open(trainer.model.save_pretrained(f"{folder}/card") or f"{folder}/card/README.md").read()
    assert '"strategy": "sampler:queue:size=64 loss:infonce"' in card, card
    print("datasets: prompts, evaluators, the best model and its card")


def check_widths(path, pairs, folder):
    """truncate_dim is for encode: all numbers are trained, as by the losses of sentence-transformers."""
    make = lambda model: StrategyLoss(model, "simcse")
    close(train(path, pairs, make, f"{folder}/cut", truncate_dim=16)[1].of(),
          train(path, pairs, make, f"{folder}/uncut")[1].of(), 1e-6)
    unknown = SentenceTransformer(path)
    unknown.get_embedding_dimension = lambda: None
    refused("dimension=768", lambda: StrategyLoss(unknown, "simcse"))
    assert StrategyLoss(unknown, "simcse", dimension=32).objective.dimension == 32
    # A strategy has one width.
    refused("MatryoshkaLoss", lambda: train(
        path, pairs, lambda model: MatryoshkaLoss(model, StrategyLoss(model, "simcse"), [32, 16]), f"{folder}/nested"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--text", required=True)
    options = parser.parse_args()
    with open(options.text, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file][:320]
    pairs = Dataset.from_dict({"anchor": lines[:96], "positive": lines[96:192]})
    others = Dataset.from_dict({"sentence1": lines[192:256], "sentence2": lines[256:320]})
    both = DatasetDict({"nli": pairs, "sim": others})
    with tempfile.TemporaryDirectory() as folder:
        path = tiny_bert(options.model or word_tokenizer(lines, f"{folder}/words"), f"{folder}/exact", 0.0)
        check_a_loss_each(path, both, folder)
        check_one_for_all(path, both, folder)
        check_ranks_of_their_own(f"{folder}/ranks")
        check_prompts(path, pairs, folder)
        check_evaluation(path, pairs, folder)
        check_widths(path, pairs, folder)


if __name__ == "__main__":
    main()
