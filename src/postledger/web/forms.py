"""What all forms of the panel share: their look, and amounts as whole minor units."""

from decimal import Decimal
from typing import Any

from django import forms

from postledger.core import money


class Form(forms.Form):
    """A form in the look of the panel, with errors beside the fields."""

    template_name = "panel/form.html"

    def refuse(self, words: object, field: str | None = None) -> None:
        """Say why what was entered is not taken."""
        self.add_error(field if field in self.fields else None, str(words))


class AmountField(forms.DecimalField):
    """A typed amount in the currency's own unit; cleaned, it is whole minor units."""

    def __init__(self, *, currency: str, **options: Any) -> None:
        self.currency = currency
        places = money.exponent(currency)
        options.setdefault("min_value", Decimal(1).scaleb(-places))
        super().__init__(decimal_places=places, max_digits=14, **options)
        self.widget.attrs.setdefault("inputmode", "decimal")

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        return None if cleaned is None else money.parse(cleaned, self.currency)


class Nothing(Form):
    """A form that asks nothing: a button behind which something happens."""
