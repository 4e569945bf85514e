mod code;
mod modules;
mod qualname;
