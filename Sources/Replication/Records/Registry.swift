/// Replaced by the registry kind.
package struct RegistrySnapshot: Hashable, Sendable { package init() {} }
