r"""Meta-Weight-Net (Shu et al., NeurIPS 2019): a small network learns to weigh losses.

An example counts by V(ℓ; φ), a perceptron of one hidden layer that sees its loss. A look-ahead step
of SGD at the present learning rate α, and the loss G of the clean batch there, train φ by Adam:

.. math:: \theta' = \theta - \frac{\alpha}{n} \sum_i V(\ell_i; \phi) \nabla \ell_i(\theta) , \qquad
    \frac{dG(\theta')}{d\phi} = -\frac{\alpha}{n} \sum_i
        \langle \nabla \ell_i(\theta), \nabla G(\theta') \rangle
        \frac{\partial V(\ell_i; \phi)}{\partial \phi} .

The inner products are one forward-mode derivative along ∇G(θ'), exact without a double backward
pass. The network then follows the losses weighed by the new φ, divided by n.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad, jvp, vjp

from l2rw.core.weights import Parameters, WeightedGradient
from l2rw.methods.base import (
    AdvanceOwn,
    Batch,
    Losses,
    Method,
    MethodState,
    Optimizer,
    TrainingContext,
    is_own,
    own_of,
)
from l2rw.methods.weight_settings import MetaWeightNetSettings
from l2rw.store.randomness import generator


class MetaWeightNet(Method):
    """The look-ahead has neither momentum nor weight decay, as in the authors' code.

    With dropout, the look-ahead and the step share a mask, and the inner products have their own.
    """

    Settings = MetaWeightNetSettings
    settings: MetaWeightNetSettings

    def parameters(self, context: TrainingContext) -> dict[str, NDArray[np.float32]]:
        """Return the perceptron, uniform within 1/√inputs: weights and biases of two layers."""
        random, hidden = generator("method parameters", context.seed), self.settings.hidden
        shapes = {"in": (hidden,), "in_bias": (hidden,), "out": (hidden,), "out_bias": ()}
        widest = {"in": 1.0, "in_bias": 1.0, "out": hidden**-0.5, "out_bias": hidden**-0.5}
        return {
            name: np.asarray(random.uniform(-widest[name], widest[name], shape), np.float32)
            for name, shape in shapes.items()
        }

    def own_optimizer(self) -> Optimizer:
        """Return Adam."""
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        return Optimizer("adam", rate, weight_decay=decay)

    def gradient(
        self,
        losses: Losses,
        parameters: Parameters,
        batch: Batch,
        state: MethodState,
        advance_own: AdvanceOwn,
    ) -> WeightedGradient:
        """Return the network's gradient, and the perceptron's."""
        phi = {name: p for name, p in parameters.items() if is_own(name)}
        theta = {name: p for name, p in parameters.items() if not is_own(name)}
        clean_images, clean_labels = batch.extra["clean_images"], batch.extra["clean_labels"]
        n = len(batch.labels)

        def of_batch(at: Parameters) -> tuple[Tensor, object]:
            return losses(at, batch.images, batch.labels)

        values, pull_back, aux = vjp(of_batch, theta, has_aux=True)  # type: ignore[misc]
        weights, pull_back_weights = vjp(lambda at: weigh(values, at), phi)  # type: ignore[misc]
        (descent,) = pull_back(weights / n)
        ahead = {name: p - batch.learning_rate * descent[name] for name, p in theta.items()}
        clean_gradient = grad(lambda at: losses(at, clean_images, clean_labels)[0].mean())(ahead)
        _, products, _ = jvp(of_batch, (theta,), (clean_gradient,), has_aux=True)  # type: ignore[misc]
        (of_phi,) = pull_back_weights((-batch.learning_rate / n * products).to(weights.dtype))
        weights = weigh(values, advance_own(of_phi)) / n
        (of_theta,) = pull_back(weights)
        return WeightedGradient({**of_theta, **of_phi}, weights, values, aux)


def weigh(losses: Tensor, phi: Parameters) -> Tensor:
    """Return V(ℓ; φ) in (0, 1), shape (n,), of losses (n,)."""
    layer = own_of(phi)
    hidden = (losses.unsqueeze(1) * layer["in"] + layer["in_bias"]).relu()
    return (hidden @ layer["out"] + layer["out_bias"]).sigmoid()
