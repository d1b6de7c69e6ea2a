import pytest

from emostudio.core.emotions import EMOTIONS, LABEL_ORDERS, Emotion, label_orders


@pytest.mark.parametrize("name", LABEL_ORDERS)
def test_a_published_order_names_each_emotion_once(name):
    order = LABEL_ORDERS[name]
    assert len(set(order)) == len(order)
    assert set(EMOTIONS) - set(order) <= {Emotion.CONTEMPT}


def test_orders_are_told_apart_and_found_by_their_number_of_classes():
    assert len(set(LABEL_ORDERS.values())) == len(LABEL_ORDERS)
    assert set(label_orders(7)) | set(label_orders(8)) == set(LABEL_ORDERS)
    assert "RAF-DB" in label_orders(7)
    assert "FER+" in label_orders(8)
    assert label_orders(3) == {}
