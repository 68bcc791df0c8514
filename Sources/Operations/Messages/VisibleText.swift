/// `text` with everything replaced that could move a cursor, break a line or turn the reading
/// direction: control characters, line and paragraph separators, bidirectional marks, invisible
/// characters. They become `\u{...}`, so that a hostile name is seen for what it is.
package func visibleText(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: isHidden) else { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    if isHidden(scalar) {
      result += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// Whether a scalar acts on the reader's screen instead of being seen on it.
package func isHidden(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
    .unassigned:
    true
  default:
    false
  }
}
