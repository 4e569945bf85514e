mod code;
mod modules;
