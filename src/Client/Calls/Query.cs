using System.Globalization;
using System.Text;

namespace Backhaul.Client.Calls;

/// <summary>The query of a call; fields without a value are left out.</summary>
internal sealed class Query
{
    private readonly StringBuilder _text = new();

    public Query With(string name, string? value)
    {
        if (value is not null)
            _text.Append(_text.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        return this;
    }

    public Query With(string name, long? value) => With(name, value?.ToString(CultureInfo.InvariantCulture));

    public override string ToString() => _text.ToString();
}
