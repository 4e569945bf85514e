//! The programs, and what must be found in their artifacts.

/// A program of `tests/programs/real`, or of a package.
pub(super) struct Program {
    pub name: &'static str,
    /// What it needs of the index.
    pub packages: &'static [&'static str],
    /// Those of the interpreter.
    pub arguments: &'static [&'static str],
    pub stage: Stage,
    pub facts: Facts,
}

/// What a program needs around it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Alone,
    /// A second process that asks it so many times.
    Asked(u32),
    /// The same with a local wheel, `WHEEL`, and a folder to install it to, `INTO`.
    Wheel,
    /// Some sources of black to format, `SOURCES`.
    Sources {
        /// With a black that is all Python: on most machines pip installs one that was compiled.
        pure: bool,
    },
}

/// What an artifact must say. Counts hold where every call is seen.
pub(super) struct Facts {
    /// A module that comes from a package.
    pub module: &'static str,
    /// The beginnings of names of which one must be among the functions that take most time.
    pub hot: &'static [&'static str],
    /// How often functions are called.
    pub calls: &'static [(&'static str, u64)],
    /// Types of the arguments and the result of a function.
    pub signature: Option<(&'static str, &'static [&'static str], &'static str)>,
    /// A class with attributes that it or its instances have.
    pub class: Option<(&'static str, &'static [&'static str])>,
    /// What the functions of a module do, by the beginning of their names.
    pub effect: (&'static str, &'static str),
}

/// Requests to a service, those to warm it up not counted.
const REQUESTS: u32 = 1000;

pub(super) const PROGRAMS: [Program; 9] = [
    Program {
        name: "Flask under load",
        packages: &["Flask"],
        arguments: &["flask_service.py"],
        stage: Stage::Asked(REQUESTS),
        facts: Facts {
            module: "werkzeug.routing",
            hot: &["werkzeug.", "flask.", "jinja2.", "socketserver."],
            calls: &[("__main__.item", 220), ("__main__.Item.as_json", 220)],
            signature: Some(("__main__.Item.as_json", &["__main__.Item"], "dict")),
            class: Some(("__main__.Item", &["number", "name", "price", "as_json"])),
            effect: ("socket", "net"),
        },
    },
    Program {
        name: "FastAPI under load",
        packages: &["fastapi", "uvicorn"],
        arguments: &["fastapi_service.py"],
        stage: Stage::Asked(REQUESTS),
        facts: Facts {
            module: "starlette.routing",
            hot: &["uvicorn.", "fastapi.", "starlette.", "h11.", "asyncio.", "selectors.", "pydantic."],
            calls: &[("__main__.stock", 440), ("__main__.item", 220)],
            signature: Some((
                "__main__.on_refused",
                &["starlette.requests.Request", "__main__.Refused"],
                "coroutine",
            )),
            class: Some(("__main__.Order", &["model_fields", "__pydantic_validator__"])),
            effect: ("asyncio.selector_events", "net"),
        },
    },
    Program {
        name: "Django command",
        packages: &["Django"],
        arguments: &["manage.py", "report", "100"],
        stage: Stage::Alone,
        facts: Facts {
            module: "django.db.models.query",
            hot: &["django."],
            calls: &[("shop.models.Order.total", 300), ("shop.management.commands.report.Command.fill", 1)],
            signature: Some(("shop.models.Order.total", &["shop.models.Order"], "decimal.Decimal")),
            class: Some(("shop.models.Order", &["customer_id", "is_paid", "total", "_meta"])),
            effect: ("django.db.backends.sqlite3", "fs.write"),
        },
    },
    Program {
        name: "SQLAlchemy on SQLite",
        packages: &["SQLAlchemy"],
        arguments: &["sqlalchemy_script.py", "300"],
        stage: Stage::Alone,
        facts: Facts {
            module: "sqlalchemy.orm.session",
            hot: &["sqlalchemy."],
            calls: &[("__main__.Account.balance", 300), ("__main__.fill", 1)],
            signature: Some(("__main__.Account.balance", &["__main__.Account"], "int")),
            class: Some(("__main__.Account", &["owner", "entries", "balance", "__tablename__"])),
            effect: ("sqlalchemy.engine.default", "fs.write"),
        },
    },
    Program {
        name: "numpy and pandas",
        packages: &["numpy", "pandas"],
        arguments: &["pandas_script.py", "30000"],
        stage: Stage::Alone,
        facts: Facts {
            module: "pandas.core.frame",
            hot: &["__main__.", "pandas.", "numpy."],
            calls: &[("__main__.clean", 30000), ("__main__.smooth", 1)],
            signature: Some(("__main__.clean", &["float"], "str")),
            class: None,
            effect: ("_frozen_importlib_external", "fs.read"),
        },
    },
    Program {
        name: "pytest",
        packages: &["pytest"],
        arguments: &["-m", "pytest", "-qq", "-p", "no:cacheprovider", "suite"],
        stage: Stage::Alone,
        facts: Facts {
            module: "_pytest.fixtures",
            hot: &["_pytest.", "pluggy."],
            calls: &[("test_shop.Basket.add", 520), ("test_shop.Basket.total", 203)],
            signature: Some(("test_shop.Basket.total", &["test_shop.Basket", "str"], "float")),
            class: Some(("test_shop.Basket", &["rates", "lines", "add", "total"])),
            effect: ("pathlib", "fs.meta"),
        },
    },
    Program {
        name: "pip installs a wheel",
        packages: &[],
        arguments: &[
            "-m",
            "pip",
            "install",
            "--no-index",
            "--no-deps",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--target",
            "INTO",
            "WHEEL",
        ],
        stage: Stage::Wheel,
        facts: Facts {
            module: "pip._internal.operations.install.wheel",
            hot: &["pip.", "zipfile.", "compileall.", "_frozen_importlib"],
            calls: &[("pip._internal.operations.install.wheel.install_wheel", 1)],
            signature: None,
            class: None,
            effect: ("pip._internal.operations.install.wheel", "fs.write"),
        },
    },
    Program {
        name: "black on its own source",
        packages: &["black"],
        arguments: &["-m", "black", "--line-length", "60", "SOURCES"],
        stage: Stage::Sources { pure: true },
        facts: Facts {
            module: "black.linegen",
            hot: &["black.", "blib2to3.", "pytokens."],
            calls: &[("black.format_file_in_place", 3)],
            signature: None,
            class: None,
            effect: ("black.", "fs.write"),
        },
    },
    Program {
        name: "black, compiled",
        packages: &["black"],
        arguments: &["-m", "black", "--line-length", "60", "SOURCES"],
        stage: Stage::Sources { pure: false },
        facts: Facts {
            module: "black.concurrency",
            hot: &["black.", "_frozen_importlib", "concurrent.", "multiprocessing.", "asyncio."],
            calls: &[("black.concurrency.schedule_formatting", 1)],
            signature: None,
            class: None,
            effect: ("multiprocessing", "process"),
        },
    },
];

/// The modules of black that are formatted.
pub(super) const SOURCES: [&str; 3] = ["brackets", "comments", "parsing"];
