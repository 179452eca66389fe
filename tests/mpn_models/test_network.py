import pytest
import torch
from mpn_models.counting import count_cost
from mpn_models.folded import fold
from mpn_models.network import MobilePoseNet
from mpn_models.registry import MODELS
from torch import nn


def trained_like(network: MobilePoseNet) -> MobilePoseNet:
    """Batch norms as training leaves them: statistics of real activations, scales around 1."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.6, 1.4)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.momentum = 0.5
    nn.init.normal_(network.head.weight, 0.0, 0.02)
    assert network.head.bias is not None
    nn.init.normal_(network.head.bias, 0.0, 0.1)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 3, 128, 96))
    return network.eval()


@pytest.mark.parametrize("name", MODELS)
def test_heatmaps_are_a_quarter_of_the_input(name: str) -> None:
    model = MODELS[name]
    width, height = model.input_size
    with torch.no_grad():
        heatmaps = model.build().eval()(torch.zeros(2, 3, height, width))
    assert heatmaps.shape == (2, model.joints, height // 4, width // 4)


@pytest.mark.parametrize("name", MODELS)
def test_folded_form_equals_the_network(name: str) -> None:
    model = MODELS[name]
    width, height = model.input_size
    network = trained_like(model.build())
    crops = torch.randn(3, 3, height, width)
    with torch.no_grad():
        expected = network(crops)
        assert expected.std() > 0.05
        torch.testing.assert_close(fold(network)(crops), expected, atol=1e-4, rtol=0)


def test_folding_leaves_the_network_as_it_is() -> None:
    network = trained_like(MODELS["mobileposenet-256x192"].build())
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fold(network)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("name", "multiply_adds", "paper_way"),
    [
        ("mobileposenet-256x192", 573.3e6, 0.547),
        ("mobileposenet-384x288", 1289.7e6, 1.230),
        ("mobileposenet-256x256-mpii", 763.7e6, 0.728),
        ("ablation-v1-256x192", None, 0.593),
        ("ablation-v1-384x288", None, 1.335),
        ("ablation-v2-256x192", None, 0.683),
        ("ablation-v2-384x288", None, 1.536),
    ],
)
def test_cost_is_the_papers(name: str, multiply_adds: float | None, paper_way: float) -> None:
    model = MODELS[name]
    cost = count_cost(model.build(), model.input_size)
    assert cost.paper_gflops == pytest.approx(paper_way, abs=6e-4)
    if multiply_adds:
        assert cost.multiply_adds == pytest.approx(multiply_adds, abs=1e5)


def test_default_network_is_small() -> None:
    model = MODELS["mobileposenet-256x192"]
    assert count_cost(model.build(), model.input_size).parameters <= 1.65e6


def test_counting_one_layer_of_each_kind() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, 2, 1)
            self.up = nn.ConvTranspose2d(8, 8, 4, 2, 1, groups=8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.up(self.conv(x))
            return found

    cost = count_cost(Two(), (8, 6))
    # 4x3 cells of 3x3x3 products into 8 channels; 4x3 cells spread by 4x4 in each of 8 channels.
    assert cost.multiply_adds == 4 * 3 * 27 * 8 + 4 * 3 * 16 * 8
    assert cost.parameters == (27 * 8 + 8) + (16 * 8 + 8)
