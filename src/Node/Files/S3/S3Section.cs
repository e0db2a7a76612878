namespace Backhaul.Node.Files.S3;

/// <summary>Reads the section of a container of kind s3. What is wrong comes back as sentences; no sentence carries a secret.</summary>
internal static class S3Section
{
    private const int PrefixBytesMax = 256;

    private static readonly string[] Options =
        ["Kind", "Bucket", "Prefix", "Endpoint", "Region", "PathStyle", "AccessKey", "SecretKey", "SecretKeyFile", "PartBytes", "PartsInFlight", "Shared"];

    public static ContainerOptions? Read(IConfigurationSection section, string at, List<string> wrong)
    {
        var before = wrong.Count;
        foreach (var field in section.GetChildren())
        {
            if (!Options.Contains(field.Key, StringComparer.OrdinalIgnoreCase))
                wrong.Add($"{at}:{field.Key} is not an option of an s3 container. It has {string.Join(", ", Options)}.");
        }
        var options = Bind(section, at, wrong);
        if (options is null)
            return null;
        if (section["Shared"] is not null && !options.Shared)
            wrong.Add($"{at}:Shared is false. A bucket is reached by every node: leave Shared out.");
        CheckPlace(options, at, wrong);
        CheckParts(options, at, wrong);
        var secret = ReadSecret(options, at, wrong);
        if (wrong.Count > before)
            return null;
        return options with { Shared = true, Prefix = Normal(options.Prefix), SecretKey = secret };
    }

    private static ContainerOptions? Bind(IConfigurationSection section, string at, List<string> wrong)
    {
        try
        {
            return section.Get<ContainerOptions>();
        }
        catch (InvalidOperationException unreadable)
        {
            wrong.Add($"{at} cannot be read: {unreadable.Message.TrimEnd('.')}. Check the value.");
            return null;
        }
    }

    private static void CheckPlace(ContainerOptions options, string at, List<string> wrong)
    {
        if (!IsBucketName(options.Bucket))
            wrong.Add($"{at}:Bucket is '{options.Bucket}'. A bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens.");
        if (options.Prefix is { } prefix && !IsPrefix(prefix))
            wrong.Add($"{at}:Prefix is '{prefix}'. It has at most {PrefixBytesMax} letters, digits and - _ . /, and does not begin with a slash.");
        if (options.Endpoint is { } endpoint
            && (!endpoint.IsAbsoluteUri || endpoint.Scheme is not ("http" or "https") || endpoint.PathAndQuery != "/" || endpoint.UserInfo.Length > 0))
            wrong.Add($"{at}:Endpoint is '{endpoint}'. It is scheme, host and port only, such as https://s3.example.net or http://10.0.0.8:9000.");
        if (!IsRegion(options.Region))
            wrong.Add($"{at}:Region is '{options.Region}'. It is a word such as eu-central-1.");
        if (options.Path is not null)
            wrong.Add($"{at}:Path is not an option of an s3 container.");
    }

    private static void CheckParts(ContainerOptions options, string at, List<string> wrong)
    {
        if (options.PartBytes is < PartPlan.PartBytesMin or > 256L << 20)
            wrong.Add($"{at}:PartBytes is {options.PartBytes}. Choose 5 MiB (5242880) to 256 MiB; 8 MiB is a good start.");
        if (options.PartsInFlight is < 1 or > 32)
            wrong.Add($"{at}:PartsInFlight is {options.PartsInFlight}. Choose 1 to 32; 4 is a good start.");
    }

    private static string? ReadSecret(ContainerOptions options, string at, List<string> wrong)
    {
        if (string.IsNullOrWhiteSpace(options.AccessKey) || options.AccessKey.Any(c => c is <= ' ' or > '~' or ',' or '/'))
            wrong.Add($"{at}:AccessKey is missing or not one. Nothing is taken from the environment of the machine: name the key here.");
        if ((options.SecretKey is null) == (options.SecretKeyFile is null))
        {
            wrong.Add($"{at} needs SecretKey or SecretKeyFile, one of them.");
            return null;
        }
        if (options.SecretKey is { } secret)
            return secret;
        try
        {
            var text = File.ReadAllText(options.SecretKeyFile!).Trim();
            if (text.Length > 0)
                return text;
            wrong.Add($"{at}:SecretKeyFile {options.SecretKeyFile} is empty.");
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            wrong.Add($"{at}:SecretKeyFile {options.SecretKeyFile} cannot be read ({unreadable.GetType().Name}).");
        }
        return null;
    }

    private static string Normal(string? prefix) => string.IsNullOrEmpty(prefix) ? "" : prefix.TrimEnd('/') + "/";

    private static bool IsBucketName(string? name) =>
        name is { Length: >= 3 and <= 63 } && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-')
        && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1]);

    private static bool IsPrefix(string prefix) =>
        prefix.Length <= PrefixBytesMax && !prefix.StartsWith('/') && prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/')
        && !prefix.TrimEnd('/').Split('/').Any(segment => segment is "." or ".." || (segment.Length == 0 && prefix.Length > 0));

    private static bool IsRegion(string region) =>
        region.Length is >= 1 and <= 32 && region.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
