namespace Backhaul.Node.Hosting;

/// <summary>
/// Reads every section before anything is built, and collects what is wrong in all of them, so that an operator corrects a
/// configuration once and not fault by fault. A name that no option has is a fault too: a misspelt limit must not be ignored.
/// </summary>
internal sealed class OptionsReader(IConfiguration configuration)
{
    private readonly List<string> _faults = [];

    public TOptions Read<TOptions>(string section, Func<TOptions, IEnumerable<string>> faults, bool strict = true)
        where TOptions : class, new()
    {
        try
        {
            var options = configuration.GetSection(section).Get<TOptions>(binder => binder.ErrorOnUnknownConfiguration = strict) ?? new TOptions();
            _faults.AddRange(faults(options));
            return options;
        }
        catch (InvalidOperationException unreadable)
        {
            _faults.Add(Explain(section, unreadable));
            return new TOptions();
        }
    }

    /// <summary>The binder names .NET types and hides the reason inside: the operator gets the names of the configuration.</summary>
    private static string Explain(string section, InvalidOperationException unreadable)
    {
        const string unknown = "the following properties were not found on the instance of ";
        if (unreadable.Message.IndexOf(unknown, StringComparison.Ordinal) is var at and >= 0)
        {
            var names = unreadable.Message[(unreadable.Message.IndexOf(": ", at, StringComparison.Ordinal) + 2)..];
            return Unknown(section, names.Trim());
        }
        for (Exception? cause = unreadable; cause is not null; cause = cause.InnerException)
        {
            if (cause.Message.IndexOf(" to type ", StringComparison.Ordinal) is var type and > 0)
                return $"{cause.Message[..type]} to what this option is.";
        }
        return $"{section} cannot be read. {unreadable.GetBaseException().Message.TrimEnd('.')}. Check the value.";
    }

    /// <summary>For a section that has others within it, which <paramref name="inner"/> names: the binder cannot be strict there.</summary>
    public void RefuseUnknown<TOptions>(string section, params ReadOnlySpan<string> inner)
    {
        var known = typeof(TOptions).GetProperties().Select(property => property.Name).Concat(inner.ToArray()).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var child in configuration.GetSection(section).GetChildren().Where(child => !known.Contains(child.Key)))
            _faults.Add(Unknown(section, $"'{child.Key}'"));
    }

    private static string Unknown(string section, string names) => $"{section} has no option {names}. Check the spelling; docs/operations.md lists the options.";

    public void Refuse(string fault) => _faults.Add(fault);

    /// <summary>After the last section.</summary>
    public void ThrowIfFaulty()
    {
        if (_faults.Count > 0)
            throw new NodeStartException(ExitCodes.Configuration, string.Join(Environment.NewLine, _faults));
    }
}
