"""Networks of timm, torchvision and transformers: the numbers of per-example autograd."""

import pytest

from tests.networks.catalogue import NETWORKS
from tests.networks.comparison import compare

pytestmark = [pytest.mark.networks, pytest.mark.slow]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NETWORKS)
def test_weights_and_gradients_are_those_of_examples_one_by_one(name):
    network = NETWORKS[name]
    pytest.importorskip(network.library, reason=f"{network.library} is in the extra `networks`")
    found = compare(network)
    assert found.positive
    assert max(found.weights, found.gradients, found.buffers) < network.tolerance
