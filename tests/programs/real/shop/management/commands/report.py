from datetime import date, timedelta
from decimal import Decimal

from django.core.management import BaseCommand, CommandError, call_command
from django.db import transaction
from django.db.models import Count, Sum
from django.template import engines
from shop.models import Customer, Order, Product

PAGE = """{% for row in rows %}{{ row.name|ljust:12 }}{{ row.count|rjust:4 }}{{ row.total|floatformat:2|rjust:12 }}
{% endfor %}"""


class Command(BaseCommand):
    help = "Fills the shop and tells who bought most"

    def add_arguments(self, parser):
        parser.add_argument("customers", type=int)

    def handle(self, *, customers, **options):
        call_command("migrate", run_syncdb=True, verbosity=0)
        self.fill(customers)
        paid = Order.objects.filter(is_paid=True)
        best = (
            Customer.objects.filter(orders__in=paid)
            .annotate(count=Count("orders", distinct=True), total=Sum("orders__products__price"))
            .order_by("-total", "name")
        )
        self.stdout.write(engines["django"].from_string(PAGE).render({"rows": best[:10]}))
        orders = Order.objects.prefetch_related("products").select_related("customer")
        self.stdout.write("all: %s" % sum(order.total() for order in orders))
        try:
            Customer.objects.get(name="nobody")
        except Customer.DoesNotExist as error:
            raise CommandError(str(error), returncode=3)

    @transaction.atomic
    def fill(self, customers):
        products = [Product(name="product %d" % number, price=Decimal(number) / 4) for number in range(40)]
        Product.objects.bulk_create(products)
        for number in range(customers):
            since = date(2020, 1, 1) + timedelta(days=number)
            customer = Customer.objects.create(name="customer %d" % number, since=since)
            for turn in range(3):
                order = Order.objects.create(customer=customer, is_paid=(number + turn) % 2 == 0)
                order.products.set(products[number % 30 : number % 30 + 3 + turn])
