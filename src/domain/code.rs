//! The closed list of codes a sender may read in an `error`. Adding one is a contract change.

/// Why something was refused, as it stands in `error/@code` and `warning/@code`'s sibling list.
///
/// Source: `docs/protocol.md`, "Codes".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "each code is explained once, in docs/protocol.md"
)]
pub enum Code {
    MalformedXml,
    DoctypeRefused,
    EncodingInvalid,
    NotAuthenticated,
    NotAuthorised,
    UnknownItem,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    RequestTimeout,
    DuplicateReference,
    WrongState,
    VersionConflict,
    TooLarge,
    SchemaInvalid,
    NotAWorkItem,
    UnknownService,
    UnknownTaskType,
    UnknownAgent,
    UnknownKey,
    MissingKey,
    ValueNotInSet,
    ContactDataTooLarge,
    AttachmentTypeRefused,
    AttachmentCorrupt,
    TimeOutOfRange,
    RelatedTooDeep,
    RateLimited,
    FairUseExceeded,
    BufferFull,
    InternalError,
    Overloaded,
    StorageFull,
    StorageFailed,
    Draining,
    /// JSON API only.
    MalformedJson,
    /// JSON API only.
    InvalidField,
    /// JSON API only.
    CapacityFull,
}

/// What the sender should do with the same message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Sending it again cannot help.
    Never,
    /// Change the message or the set-up first.
    AfterFix,
    /// Send the same again later.
    Later,
}

impl Retry {
    /// The word in `error/@retry`.
    pub fn name(self) -> &'static str {
        match self {
            Retry::Never => "never",
            Retry::AfterFix => "afterFix",
            Retry::Later => "later",
        }
    }
}

impl Code {
    /// Every code, in the order of the published table.
    pub const ALL: [Code; 39] = [
        Code::MalformedXml,
        Code::DoctypeRefused,
        Code::EncodingInvalid,
        Code::NotAuthenticated,
        Code::NotAuthorised,
        Code::UnknownItem,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::NotAcceptable,
        Code::UnsupportedMediaType,
        Code::RequestTimeout,
        Code::DuplicateReference,
        Code::WrongState,
        Code::VersionConflict,
        Code::TooLarge,
        Code::SchemaInvalid,
        Code::NotAWorkItem,
        Code::UnknownService,
        Code::UnknownTaskType,
        Code::UnknownAgent,
        Code::UnknownKey,
        Code::MissingKey,
        Code::ValueNotInSet,
        Code::ContactDataTooLarge,
        Code::AttachmentTypeRefused,
        Code::AttachmentCorrupt,
        Code::TimeOutOfRange,
        Code::RelatedTooDeep,
        Code::RateLimited,
        Code::FairUseExceeded,
        Code::BufferFull,
        Code::InternalError,
        Code::Overloaded,
        Code::StorageFull,
        Code::StorageFailed,
        Code::Draining,
        Code::MalformedJson,
        Code::InvalidField,
        Code::CapacityFull,
    ];

    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Code::MalformedXml => "malformedXml",
            Code::DoctypeRefused => "doctypeRefused",
            Code::EncodingInvalid => "encodingInvalid",
            Code::NotAuthenticated => "notAuthenticated",
            Code::NotAuthorised => "notAuthorised",
            Code::UnknownItem => "unknownItem",
            Code::NotFound => "notFound",
            Code::MethodNotAllowed => "methodNotAllowed",
            Code::NotAcceptable => "notAcceptable",
            Code::UnsupportedMediaType => "unsupportedMediaType",
            Code::RequestTimeout => "requestTimeout",
            Code::DuplicateReference => "duplicateReference",
            Code::WrongState => "wrongState",
            Code::VersionConflict => "versionConflict",
            Code::TooLarge => "tooLarge",
            Code::SchemaInvalid => "schemaInvalid",
            Code::NotAWorkItem => "notAWorkItem",
            Code::UnknownService => "unknownService",
            Code::UnknownTaskType => "unknownTaskType",
            Code::UnknownAgent => "unknownAgent",
            Code::UnknownKey => "unknownKey",
            Code::MissingKey => "missingKey",
            Code::ValueNotInSet => "valueNotInSet",
            Code::ContactDataTooLarge => "contactDataTooLarge",
            Code::AttachmentTypeRefused => "attachmentTypeRefused",
            Code::AttachmentCorrupt => "attachmentCorrupt",
            Code::TimeOutOfRange => "timeOutOfRange",
            Code::RelatedTooDeep => "relatedTooDeep",
            Code::RateLimited => "rateLimited",
            Code::FairUseExceeded => "fairUseExceeded",
            Code::BufferFull => "bufferFull",
            Code::InternalError => "internalError",
            Code::Overloaded => "overloaded",
            Code::StorageFull => "storageFull",
            Code::StorageFailed => "storageFailed",
            Code::Draining => "draining",
            Code::MalformedJson => "malformedJson",
            Code::InvalidField => "invalidField",
            Code::CapacityFull => "capacityFull",
        }
    }

    /// What the sender should do.
    pub fn retry(self) -> Retry {
        match self {
            Code::UnknownItem | Code::NotFound | Code::DuplicateReference | Code::WrongState => {
                Retry::Never
            }
            Code::RequestTimeout
            | Code::RateLimited
            | Code::FairUseExceeded
            | Code::BufferFull
            | Code::InternalError
            | Code::Overloaded
            | Code::StorageFull
            | Code::StorageFailed
            | Code::Draining
            | Code::CapacityFull => Retry::Later,
            Code::MalformedXml
            | Code::DoctypeRefused
            | Code::EncodingInvalid
            | Code::NotAuthenticated
            | Code::NotAuthorised
            | Code::MethodNotAllowed
            | Code::NotAcceptable
            | Code::UnsupportedMediaType
            | Code::VersionConflict
            | Code::TooLarge
            | Code::SchemaInvalid
            | Code::NotAWorkItem
            | Code::UnknownService
            | Code::UnknownTaskType
            | Code::UnknownAgent
            | Code::UnknownKey
            | Code::MissingKey
            | Code::ValueNotInSet
            | Code::ContactDataTooLarge
            | Code::AttachmentTypeRefused
            | Code::AttachmentCorrupt
            | Code::TimeOutOfRange
            | Code::RelatedTooDeep
            | Code::MalformedJson
            | Code::InvalidField => Retry::AfterFix,
        }
    }
}
