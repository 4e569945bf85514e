//! Type objects: their names, kinds and identities.

mod class;
mod instance;
mod name;
mod namespace;
mod slots;
mod state;

pub use class::{Attribute, Attributes, Class, ClassForm, MAX_ATTRIBUTES, read_class, read_lineage};
pub use instance::{Instance, InstanceAttribute, read_instance, read_instance_value};
pub use name::TypeName;
pub use slots::{Slot, read_slots};
pub use state::{ClassState, class_state};

use super::cache::{CodeCache, Identified};
use crate::cpython::layout::Layout;
use crate::cpython::object::Objects;
use crate::cpython::text::Text;
use crate::cpython::{Known, Unknown};
use molt_common::walk::ty::{self, HEAP_TYPE};
use molt_common::walk::{Block, Memory};
use molt_mpa::model::TypeKind;
use name::read_name;

/// What was read of types, by address and [`TypeObject::folded`] identity.
pub type TypeCache = CodeCache<TypeObject>;

/// A type. What could not be read says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeObject {
    /// [`molt_common::walk::ty::identity`] at the time of reading.
    pub identity: u64,
    /// Its name and its module's.
    pub name: TypeName,
    /// How it is made.
    pub kind: TypeKind,
    /// `tp_flags`.
    pub flags: u64,
    /// The name of its own type.
    pub metaclass: TypeName,
}

impl TypeObject {
    /// The identity as it travels with an address.
    pub fn folded(&self) -> u16 {
        ty::fold16(self.identity)
    }
}

impl Identified for TypeObject {
    fn identity(&self) -> u64 {
        self.folded().into()
    }

    fn bytes(&self) -> usize {
        self.name.bytes() + self.metaclass.bytes()
    }
}

/// Reads the type at `addr`.
///
/// Fails when its head cannot be read, when it is no type, and when another one took its place meanwhile; every
/// other loss stands in the field that it befell.
pub fn read_type<M: Memory>(memory: &M, layout: &Layout, addr: u64) -> Known<TypeObject> {
    let objects = Objects::new(memory, layout);
    if !objects.is_type(addr)? {
        return Err(Unknown::WrongType);
    }
    if objects.is_freed(addr)? {
        return Err(Unknown::Stale);
    }
    let identity = read_identity(&objects, addr)?;
    let flags = objects.flags_of_type(addr)?;
    let object = TypeObject {
        identity,
        name: read_name(&objects, addr, flags),
        kind: if flags & HEAP_TYPE == 0 { TypeKind::Static } else { TypeKind::Heap },
        flags,
        metaclass: read_metaclass(&objects, addr),
    };
    // The program runs on: what was freed meanwhile may have been read half from its successor.
    memory.forget();
    if objects.is_freed(addr)? || read_identity(&objects, addr)? != identity {
        return Err(Unknown::Stale);
    }
    Ok(object)
}

/// The name of the type at `addr` alone, for types that are only named. Whether there is a type is checked.
pub fn read_type_name<M: Memory>(memory: &M, layout: &Layout, addr: u64) -> Known<String> {
    let objects = Objects::new(memory, layout);
    if !objects.is_type(addr)? {
        return Err(Unknown::WrongType);
    }
    read_name(&objects, addr, objects.flags_of_type(addr)?).text()
}

/// `__module__` of the type at `addr` alone; [`Unknown::Absent`] when it has none. Whether there is a type is checked.
pub fn read_type_module<M: Memory>(memory: &M, layout: &Layout, addr: u64) -> Known<Text> {
    let objects = Objects::new(memory, layout);
    if !objects.is_type(addr)? {
        return Err(Unknown::WrongType);
    }
    read_name(&objects, addr, objects.flags_of_type(addr)?).module
}

fn read_metaclass<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> TypeName {
    let kind = objects.u64(addr, objects.layout.object_type);
    let read = kind.and_then(|kind| Ok(read_name(objects, kind, objects.flags_of_type(kind)?)));
    read.unwrap_or_else(TypeName::unknown)
}

fn read_identity<M: Memory>(objects: &Objects<'_, M>, addr: u64) -> Known<u64> {
    Ok(ty::read_identity(objects.memory, &objects.layout.types(), addr, &mut Block::default())?)
}
