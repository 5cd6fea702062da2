from jackfield.testing import SourceContract
from jackfield_getcourse.orders import OrderCreated, OrderPaid
from jackfield_getcourse.user_created import UserCreated


class TestUserCreated(SourceContract):
    source = UserCreated


class TestUserCreatedWithASecretInTheAddress(SourceContract):
    source = UserCreated
    options = {"secret": "s3cret+/=", "extra": {"vk_id": "VK-ID"}}
    values = {"vk_id": "id1"}


class TestUserCreatedWithASecretInAHeader(SourceContract):
    source = UserCreated
    options = {"secret": "s3cret", "secret_parameter": "", "secret_header": "X-Key"}


class TestOrderCreated(SourceContract):
    source = OrderCreated
    options = {"secret": "s3cret+/=", "extra": {"source": "zakaz_id"}}


class TestOrderPaid(SourceContract):
    source = OrderPaid
    options = {"secret": "s3cret"}
