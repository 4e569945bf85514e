"""A ledger in an SQLite database, by SQLAlchemy's object mapper."""
import os
import sys
import tempfile

from sqlalchemy import ForeignKey, String, create_engine, event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(30), unique=True)
    entries: Mapped[list["Entry"]] = relationship(back_populates="account", cascade="all, delete-orphan")

    def balance(self):
        return sum(entry.amount for entry in self.entries)


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    account: Mapped[Account] = relationship(back_populates="entries")


def fill(session, accounts):
    for number in range(accounts):
        entries = [Entry(amount=number * turn % 97 - 40) for turn in range(12)]
        session.add(Account(owner="owner %d" % number, entries=entries))
    session.commit()


def refuse_a_second(session):
    try:
        with session.begin_nested():
            session.add(Account(owner="owner 1"))
    except IntegrityError as error:
        return type(error.orig).__name__


def main(accounts):
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine("sqlite:///" + os.path.join(folder, "ledger.sqlite3"))
        statements = []
        event.listen(engine, "before_cursor_execute", lambda *parts: statements.append(parts[2].split()[0]))
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            fill(session, accounts)
            print(refuse_a_second(session))
            total = func.sum(Entry.amount).label("total")
            richest = select(Account.owner, total).join(Account.entries).group_by(Account.id).order_by(total.desc())
            for owner, amount in session.execute(richest.limit(5)):
                print(owner, amount)
            accounts = session.scalars(select(Account).options(selectinload(Account.entries))).all()
            print(sum(account.balance() for account in accounts))
            for account in accounts[::2]:
                session.delete(account)
            session.commit()
            print(session.scalar(select(func.count(Entry.id))))
        engine.dispose()
        print(len(statements), sorted(set(statements)))


main(int(sys.argv[1]))
