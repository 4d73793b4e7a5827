"""Runs in a stack under torchrun, with doctor beside it: the code that docs/fleet.md gives for each framework, with ranks alike and one that differs.

    torchrun --nproc-per-node N callbacks.py FOLDER      FOLDER/snippets.json: framework -> code; writes FOLDER/RANK.json: what came of each
"""

import json
import os
import sys

import torch
import torch.distributed
from torch import nn

import doctor
from ending import end_together


class Model(nn.Module):
    def __init__(self, differs):
        super().__init__()
        torch.manual_seed(7)
        self.linear = nn.Linear(4, 2)
        if differs and int(os.environ["RANK"]) == 1:
            self.linear.bias.data[0] = 5.0

    def forward(self, x, labels=None):
        return {"loss": self.linear(x).sum(), "logits": x}


class Rows(torch.utils.data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, number):
        return {"x": torch.ones(4), "labels": torch.zeros(1)}


def of_trainer(code, differs, folder):
    import transformers

    names = {"doctor": doctor, "transformers": transformers}
    exec(code, names)
    arguments = transformers.TrainingArguments(folder, use_cpu=True, ddp_backend="gloo", report_to=[], max_steps=1, save_strategy="no", disable_tqdm=True)
    trainer = transformers.Trainer(Model(differs), arguments, train_dataset=Rows(), callbacks=[names["CompareRanks"]()])
    return "trained %d step" % trainer.train().global_step


def of_accelerate(code, differs, folder):
    import accelerate

    accelerator, model = accelerate.Accelerator(cpu=True), Model(differs)
    names = {"doctor": doctor, "accelerator": accelerator, "model": model, "optimizer": torch.optim.SGD(model.parameters(), 0.1)}
    exec(code, names)
    names["model"](torch.ones(4))["loss"].backward()
    return "trained with %s" % type(names["model"]).__name__


def of_lightning(code, differs, folder):
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.inner = Model(differs)

        def training_step(self, batch, _):
            return self.inner(**batch)["loss"]

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    names = {"doctor": doctor, "lightning": lightning}
    exec(code, names)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = lightning.Trainer(accelerator="cpu", devices=2, strategy="ddp", max_steps=1, callbacks=[names["CompareRanks"]()], default_root_dir=folder, **quiet)
    trainer.fit(Module(), torch.utils.data.DataLoader(Rows(), batch_size=2))
    return "trained %d step" % trainer.global_step


RUNS = {"transformers": of_trainer, "accelerate": of_accelerate, "lightning": of_lightning}


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "snippets.json")) as file:
        snippets = json.load(file)
    told = {}
    for framework, code in snippets.items():
        for differs in (False, True):
            try:
                told["%s, %s" % (framework, "one differs" if differs else "alike")] = RUNS[framework](code, differs, folder)
            except SystemExit as stopped:
                told["%s, one differs" % framework] = "stopped: %s" % stopped
    with open(os.path.join(folder, os.environ["RANK"] + ".json"), "w") as page:
        json.dump(told, page)
    end_together()


if __name__ == "__main__":
    main()
