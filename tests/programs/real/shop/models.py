from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=40, unique=True)
    since = models.DateField()


class Product(models.Model):
    name = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=8, decimal_places=2)


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    products = models.ManyToManyField(Product)
    is_paid = models.BooleanField(default=False)

    def total(self):
        return sum(product.price for product in self.products.all())
