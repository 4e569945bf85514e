"""A suite with fixtures, parameters, a mock, and a test that fails."""
import json
from unittest import mock

import pytest


class Basket:
    def __init__(self, rates):
        self.rates = rates
        self.lines = []

    def __repr__(self):
        return "<basket of %d>" % len(self.lines)

    def add(self, name, price, count=1):
        if count < 1:
            raise ValueError("count %d is less than 1" % count)
        self.lines.append((name, price, count))

    def total(self, currency="EUR"):
        return round(sum(price * count for _, price, count in self.lines) * self.rates(currency), 2)


def rates(currency):
    return {"EUR": 1, "USD": 1.25}[currency]


@pytest.fixture
def basket():
    basket = Basket(rates)
    basket.add("pen", 1.5, 10)
    yield basket
    basket.lines.clear()


@pytest.mark.parametrize("count", range(1, 200))
def test_totals_add_up(basket, count):
    basket.add("book", 12, count)
    assert basket.total() == 15 + 12 * count


@pytest.mark.parametrize("count", [0, -1])
def test_counts_are_positive(basket, count):
    with pytest.raises(ValueError, match="less than 1"):
        basket.add("book", 12, count)


def test_rates_are_asked_for(basket):
    with mock.patch.object(basket, "rates", return_value=2) as asked:
        assert basket.total("USD") == 30
    asked.assert_called_once_with("USD")


@pytest.mark.parametrize("size", [1, 10, 100])
def test_lines_survive_a_file(basket, tmp_path, monkeypatch, size):
    monkeypatch.chdir(tmp_path)
    for number in range(size):
        basket.add("item %d" % number, number)
    (tmp_path / "lines.json").write_text(json.dumps(basket.lines))
    assert [tuple(line) for line in json.loads(open("lines.json").read())] == basket.lines


def test_output_is_captured(basket, capsys):
    print(basket.total())
    assert capsys.readouterr().out == "15.0\n"


@pytest.mark.skip(reason="skipped on purpose")
def test_skipped():
    raise AssertionError


@pytest.mark.xfail(raises=KeyError)
def test_expected_to_fail(basket):
    basket.total("XYZ")


def test_fails(basket):
    assert basket.total("USD") == 19
