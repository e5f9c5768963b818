"""AdaBoost against boosting written with modules, `torch.optim` and NumPy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.runs import batch_of

from l2rw.models.lenet import lenet_8x8

ROUNDS, STEPS, CLASSES = 10, 30, 10


def images_of(images, part):
    return torch.from_numpy(images[part.indices]).float() / 255


class Reference:
    """SAMME: each round a fresh module, then its vote and the next distribution."""

    def __init__(self, start, train_images, labels):
        self.start, self.images, self.labels = start, train_images, labels
        self.distribution = np.full(len(labels), 1 / len(labels))
        self.networks, self.votes = [], []
        self.begin()

    def begin(self):
        self.model = lenet_8x8((1, 8, 8), CLASSES)
        self.model.load_state_dict(self.start)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=0.05, momentum=0.9)

    def step(self, batch):
        images, labels, positions = batch.images[0], batch.labels[0], batch.positions[0]
        values = F.cross_entropy(self.model(images), labels, reduction="none")
        weights = torch.tensor(self.distribution[positions] * len(self.labels)).float()
        self.optimiser.zero_grad()
        (weights * values).mean().backward()
        self.optimiser.step()

    def end(self):
        wrong = self.model(self.images).argmax(1).numpy() != self.labels
        error = self.distribution[wrong].sum()
        vote = max(np.log((1 - error) / error) + np.log(CLASSES - 1), 0)
        self.distribution = self.distribution * np.exp(vote * wrong)
        self.distribution /= self.distribution.sum()
        self.networks.append(self.model)
        self.votes.append(vote)
        self.begin()

    def logits(self, images):
        total = np.zeros((len(images), CLASSES))
        for network, vote in zip(self.networks, self.votes, strict=True):
            total += vote * np.eye(CLASSES)[network(images).argmax(1).numpy()]
        return total * CLASSES / (CLASSES - 1) ** 2


def test_a_run_is_that_of_the_source(make_spec, prepare, digits, make_split):
    spec = make_spec("adaboost", steps=STEPS, batch_size=16, baselines_see_clean=False)
    training, split = prepare(spec, 0, corruption="uniform_flip"), make_split(0, "uniform_flip")
    start = {name: p.clone() for name, p in training.state.of_seed(0)[0].items()}
    reference = Reference(start, images_of(digits.train_images, split.train), split.train.labels)

    def follow(state):
        reference.step(batch_of(training._batches, state.step - 1))
        if state.step % (STEPS // ROUNDS) == 0:
            reference.end()
            ours = state.method["distribution"][0]
            np.testing.assert_allclose(ours, reference.distribution, rtol=1e-4)

    (run,) = training.run(follow)
    np.testing.assert_allclose(training.state.method["votes"][0], reference.votes, rtol=1e-4)
    assert np.ptp(reference.votes) > 0.05
    test = images_of(digits.test_images, split.test)
    logits, labels = torch.tensor(reference.logits(test)), torch.tensor(split.test.labels)
    loss = F.cross_entropy(logits, labels)
    assert run.final.test.loss == pytest.approx(loss.item(), rel=1e-4)
    assert run.final.test.error == pytest.approx((logits.argmax(1) != labels).float().mean().item())
    for place, network in enumerate(reference.networks):
        for name, parameter in network.named_parameters():
            kept = run.network[f"method.learners/{name}"][place]
            torch.testing.assert_close(kept, parameter.detach(), rtol=1e-3, atol=1e-5)
