from jackfield.testing import ActionContract
from jackfield_email.action import SendEmail


class TestSendEmail(ActionContract):
    action = SendEmail
    options = {
        "server": "smtp://robot@smtp.example.ru:587",
        "password": "s3cret",
        "from": "Школа <robot@example.ru>",
        "to": ["anna@example.ru", "Борис <boris@example.ru>"],
        "subject": "Добро пожаловать",
        "text": "Здравствуйте!",
    }
