using System.Globalization;
using System.Security.Cryptography;

namespace Backhaul.Bench;

/// <summary>Files at the origin, all of one length, and the lists of them that tools want.</summary>
internal sealed class FileSet
{
    private readonly Nginx _nginx;
    private readonly byte[] _hash;

    private FileSet(Nginx nginx, string name, int count, long bytes, byte[] hash, string list)
    {
        (_nginx, Name, Count, Bytes, _hash, UrlList) = (nginx, name, count, bytes, hash, list);
    }

    public string Name { get; }

    public int Count { get; }

    public long Bytes { get; }

    /// <summary>A file with one URL in a line.</summary>
    public string UrlList { get; }

    public string FolderUrl => $"{_nginx.Url}/{Name}/";

    public static FileSet Make(WorkFolder work, Nginx nginx, string name, int count, long bytes)
    {
        var folder = Directory.CreateDirectory(Path.Combine(nginx.Files, name)).FullName;
        var block = RandomNumberGenerator.GetBytes((int)Math.Min(bytes, 4 * 1024 * 1024));
        for (var i = 0; i < count; i++)
        {
            using var file = File.Create(Path.Combine(folder, NameOf(i)));
            for (long written = 0; written < bytes; written += block.Length)
            {
                BitConverter.TryWriteBytes(block, written); // no two blocks of a file alike
                file.Write(block);
            }
        }
        var list = Path.Combine(work.Root, name + ".urls");
        File.WriteAllLines(list, Enumerable.Range(0, count).Select(i => $"{nginx.Url}/{name}/{NameOf(i)}"));
        return new FileSet(nginx, name, count, bytes, HashOf(Path.Combine(folder, NameOf(0))), list);
    }

    public static string NameOf(int i) => i.ToString("D5", CultureInfo.InvariantCulture) + ".bin";

    public string UrlOf(int i) => FolderUrl + NameOf(i);

    /// <summary>Every file must have come whole; with <paramref name="content"/> the bytes are compared as well.</summary>
    public void Check(string folder, string who, bool content)
    {
        var files = new DirectoryInfo(folder).GetFiles();
        if (files.Length != Count || files.Any(file => file.Length != Bytes))
            throw new InvalidOperationException($"{who} stored {files.Length} files, {files.Count(file => file.Length == Bytes)} of them whole, and {Count} were asked for.");
        if (content && files.Any(file => !HashOf(file.FullName).AsSpan().SequenceEqual(_hash)))
            throw new InvalidOperationException($"A file of {who} differs from the origin.");
    }

    /// <summary>
    /// Removes what a contestant stored; where there are many files they stay until the whole run ends. ext4 does not give the number of a file that was
    /// deleted a moment ago to another one, and looks at each of ten thousand such numbers for every file that the next contestant makes: a
    /// third of all processor time was that.
    /// </summary>
    public void Clear(string folder)
    {
        if (Count < 1000)
            Directory.Delete(folder, recursive: true);
    }

    public void Remove()
    {
        Clear(Path.Combine(_nginx.Files, Name));
        File.Delete(UrlList);
    }

    private static byte[] HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return SHA256.HashData(file);
    }
}
