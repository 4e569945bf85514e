mod code;
mod image;
mod modules;
mod qualname;
