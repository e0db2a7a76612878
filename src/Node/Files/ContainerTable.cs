using Backhaul.Node.Files.S3;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>The configured containers: every name with its options, paths absolute. <c>default</c> is always among them.</summary>
internal sealed record ContainerTable(IReadOnlyDictionary<ContainerName, ContainerOptions> Containers)
{
    /// <summary>Reads <c>Backhaul:Containers</c>. What is wrong comes back as sentences for the operator; the table holds what was right.</summary>
    public static ContainerTable Read(IConfiguration containers, string dataDirectory, out IReadOnlyList<string> errors)
    {
        var wrong = new List<string>();
        var table = new Dictionary<ContainerName, ContainerOptions>();
        foreach (var section in containers.GetChildren())
        {
            if (!ContainerName.TryParse(section.Key, out var name))
                wrong.Add($"Backhaul:Containers has the name '{section.Key}'. {ContainerName.Rule}");
            else if (ReadOne(section, name, dataDirectory, wrong) is { } options)
                table[name] = options;
        }
        if (!table.ContainsKey(ContainerName.Default))
            table[ContainerName.Default] = new ContainerOptions { Path = DefaultPath(dataDirectory) };
        FindOverlaps(table, wrong);
        errors = wrong;
        return new ContainerTable(table);
    }

    private static ContainerOptions? ReadOne(IConfigurationSection section, ContainerName name, string dataDirectory, List<string> wrong)
    {
        var at = $"Backhaul:Containers:{name}";
        switch (section["Kind"] ?? ContainerKinds.Disk)
        {
            case ContainerKinds.Disk:
                return ReadDisk(section, at, name == ContainerName.Default ? DefaultPath(dataDirectory) : null, wrong);
            case ContainerKinds.S3:
                return S3Section.Read(section, at, wrong);
            case var kind:
                wrong.Add($"{at}:Kind is '{kind}'. The kinds are disk and s3.");
                return null;
        }
    }

    private static ContainerOptions? ReadDisk(IConfigurationSection section, string at, string? defaultPath, List<string> wrong)
    {
        var before = wrong.Count;
        foreach (var field in section.GetChildren())
        {
            if (field.Key.ToLowerInvariant() is not ("kind" or "path" or "shared"))
                wrong.Add($"{at}:{field.Key} is not an option of a disk container. It has Kind, Path and Shared.");
        }
        var shared = false;
        if (section["Shared"] is { } text && !bool.TryParse(text, out shared))
            wrong.Add($"{at}:Shared is '{text}'. It is true or false.");
        var path = section["Path"] ?? defaultPath;
        if (string.IsNullOrWhiteSpace(path))
            wrong.Add($"{at}:Path is missing. Name the directory where the container's files lie.");
        return wrong.Count > before ? null : new ContainerOptions { Path = Path.GetFullPath(path!), Shared = shared };
    }

    /// <summary>Two containers over one tree would show each other's files, and one tenant's folder could be another's file.</summary>
    private static void FindOverlaps(Dictionary<ContainerName, ContainerOptions> table, List<string> wrong)
    {
        var byPlace = table.Select(pair => (Name: pair.Key, pair.Value.Kind, Place: PlaceOf(pair.Value)))
            .OrderBy(one => one.Place, StringComparer.Ordinal).ToArray();
        for (var i = 1; i < byPlace.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (byPlace[i].Kind != byPlace[j].Kind || !byPlace[i].Place.StartsWith(byPlace[j].Place, StringComparison.Ordinal))
                    continue;
                wrong.Add(byPlace[i].Kind == ContainerKinds.Disk
                    ? $"Backhaul:Containers:{byPlace[i].Name}:Path lies in the directory of the container {byPlace[j].Name}. Give each a directory of its own."
                    : $"Backhaul:Containers:{byPlace[i].Name}:Prefix lies under that of the container {byPlace[j].Name} in the same bucket. Give each a prefix of its own.");
            }
        }
    }

    private static string PlaceOf(ContainerOptions options) => options.Kind == ContainerKinds.Disk
        ? options.Path!.TrimEnd('/') + "/"
        : $"{options.ToBucket().Endpoint.Authority}/{options.Bucket}/{options.Prefix}";

    private static string DefaultPath(string dataDirectory) => Path.GetFullPath(Path.Combine(dataDirectory, "files"));
}
