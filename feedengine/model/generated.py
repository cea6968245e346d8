"""The tables as values: made from the declarations in `feedengine.model.tables` and its like.

Change those, then ``make docs``; ``make verify`` fails when this is not what they say.
"""

# ruff: noqa: E501

from __future__ import annotations

from feedengine.model.scalars import COUNTRY, DATE, DECIMAL, DURATION, ENDS, GRID, GTIN, ID, INSTANT, INTEGER, ISRC, PERMISSION, STARTS, TEXT
from feedengine.model.shapes import Column, Listed, Read, Table

TABLES: tuple[Table, ...] = (
    Table(
        'country', 'Country', 'ISO 3166-1', 'catalogue',
        (
            Column(name='code', scalar=TEXT, key=True),
            Column(name='name', scalar=TEXT),
        ),
    ),
    Table(
        'country_group', 'CountryGroup', 'Countries that share the same validities in some territory set', 'catalogue',
        (
            Column(name='id', scalar=TEXT, key=True),
        ),
    ),
    Table(
        'feed_run', 'FeedRun', 'One attempt at a feed, announced by one Stack entry', 'ledger',
        (
            Column(name='id', scalar=INTEGER, key=True),
            Column(name='stack_entry', scalar=TEXT),
            Column(name='entry_signature', scalar=TEXT),
            Column(name='feed_path', scalar=TEXT, nullable=True),
            Column(name='client', scalar=TEXT, nullable=True),
            Column(name='started_at', scalar=INSTANT),
            Column(name='finished_at', scalar=INSTANT, nullable=True),
            Column(name='status', scalar=TEXT),
            Column(name='packages', scalar=INTEGER),
            Column(name='applied', scalar=INTEGER),
            Column(name='failed', scalar=INTEGER),
            Column(name='skipped', scalar=INTEGER),
            Column(name='released_at', scalar=INSTANT, nullable=True),
            Column(name='filed_at', scalar=INSTANT, nullable=True),
            Column(name='retry_of', scalar=INTEGER, nullable=True),
            Column(name='retry_code', scalar=TEXT, nullable=True),
            Column(name='undoes', scalar=INTEGER, nullable=True),
            Column(name='pruned_at', scalar=INSTANT, nullable=True),
        ),
    ),
    Table(
        'genre', 'Genre', 'A genre, as one source names it', 'catalogue',
        (
            Column(name='id', scalar=ID, key=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=True)),
            Column(name='client', scalar=TEXT),
            Column(name='created_at', scalar=INSTANT, nullable=True, read=Read(path=(('CreatedAt',),), attribute=None, scalar=INSTANT, required=False)),
            Column(name='changed_at', scalar=INSTANT),
            Column(name='name', scalar=TEXT, read=Read(path=(('Name',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='source', scalar=TEXT, nullable=True, read=Read(path=(('Source',),), attribute=None, scalar=TEXT, required=False)),
        ),
    ),
    Table(
        'label', 'Label', 'A label', 'catalogue',
        (
            Column(name='id', scalar=ID, key=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=True)),
            Column(name='client', scalar=TEXT),
            Column(name='created_at', scalar=INSTANT, nullable=True, read=Read(path=(('CreatedAt',),), attribute=None, scalar=INSTANT, required=False)),
            Column(name='changed_at', scalar=INSTANT),
            Column(name='name', scalar=TEXT, read=Read(path=(('Name',),), attribute=None, scalar=TEXT, required=True)),
        ),
    ),
    Table(
        'parcel', 'Parcel', 'One file, or one request, that carries plays to a recipient by one way out', 'parcels',
        (
            Column(name='id', scalar=INTEGER, key=True),
            Column(name='way', scalar=TEXT),
            Column(name='series', scalar=TEXT),
            Column(name='number', scalar=INTEGER, nullable=True),
            Column(name='key', scalar=TEXT),
            Column(name='status', scalar=TEXT),
            Column(name='plays', scalar=INTEGER),
            Column(name='digest', scalar=TEXT),
            Column(name='size', scalar=INTEGER),
            Column(name='content', scalar=TEXT),
            Column(name='begins', scalar=INTEGER),
            Column(name='oldest_at', scalar=INSTANT, nullable=True),
            Column(name='measured_at', scalar=INSTANT, nullable=True),
            Column(name='recorded_at', scalar=INSTANT),
            Column(name='attempts', scalar=INTEGER),
            Column(name='attempted_at', scalar=INSTANT, nullable=True),
            Column(name='delivered_at', scalar=INSTANT, nullable=True),
            Column(name='message', scalar=TEXT, nullable=True),
            Column(name='rest_of', scalar=INTEGER, nullable=True),
        ),
    ),
    Table(
        'stack_lease', 'StackLease', "Who takes entries from the Stack: one row, kept by PostgreSQL's clock", 'ledger',
        (
            Column(name='id', scalar=INTEGER, key=True),
            Column(name='holder', scalar=TEXT),
            Column(name='fence', scalar=INTEGER),
            Column(name='taken_at', scalar=INSTANT),
            Column(name='expires_at', scalar=INSTANT),
        ),
    ),
    Table(
        'territory_set', 'TerritorySet', 'An immutable set of territories, shared by content; never deleted', 'catalogue',
        (
            Column(name='id', scalar=TEXT, key=True),
        ),
    ),
    Table(
        'usage', 'Usage', 'A usage that some validity has named; ``streaming`` and ``download`` always', 'catalogue',
        (
            Column(name='name', scalar=TEXT, key=True),
        ),
    ),
    Table(
        'validity_set', 'ValiditySet', 'Validities of a territory, shared by content', 'catalogue',
        (
            Column(name='id', scalar=TEXT, key=True),
        ),
    ),
    Table(
        'artist', 'Artist', 'An artist', 'catalogue',
        (
            Column(name='territory_set_id', scalar=ID, nullable=True, refers='territory_set'),
            Column(name='id', scalar=ID, key=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=True)),
            Column(name='client', scalar=TEXT),
            Column(name='created_at', scalar=INSTANT, nullable=True, read=Read(path=(('CreatedAt',),), attribute=None, scalar=INSTANT, required=False)),
            Column(name='changed_at', scalar=INSTANT),
            Column(name='name', scalar=TEXT, read=Read(path=(('Name',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='unique_name', scalar=TEXT, nullable=True, read=Read(path=(('UniqueName',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='popularity', scalar=DECIMAL, nullable=True, read=Read(path=(('Popularity',),), attribute=None, scalar=DECIMAL, required=False)),
            Column(name='view', scalar=INTEGER, nullable=True, read=Read(path=(('View',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='update_count', scalar=INTEGER, nullable=True, read=Read(path=(('UpdateCount', 'UpdatedCount'),), attribute=None, scalar=INTEGER, required=False)),
        ),
    ),
    Table(
        'country_group_member', 'CountryGroupMember', 'A country of a group; ``WW`` for every country that the set does not name', 'catalogue',
        (
            Column(name='country_group_id', scalar=ID, key=True, refers='country_group'),
            Column(name='country', scalar=COUNTRY, key=True),
        ),
    ),
    Table(
        'package_run', 'PackageRun', 'What became of one package in one feed run: applied, already-applied, viewed or failed', 'ledger',
        (
            Column(name='id', scalar=INTEGER, key=True),
            Column(name='feed_run_id', scalar=INTEGER, refers='feed_run'),
            Column(name='path', scalar=TEXT),
            Column(name='digest', scalar=TEXT, nullable=True),
            Column(name='entity', scalar=TEXT, nullable=True),
            Column(name='entity_id', scalar=ID, nullable=True),
            Column(name='action', scalar=TEXT, nullable=True),
            Column(name='status', scalar=TEXT),
            Column(name='started_at', scalar=INSTANT),
            Column(name='finished_at', scalar=INSTANT),
        ),
    ),
    Table(
        'parcel_plays', 'ParcelPlays', "Some of a parcel's plays in the order of its rows: their ids, 16 bytes each, in one value", 'parcels',
        (
            Column(name='parcel_id', scalar=INTEGER, key=True, refers='parcel'),
            Column(name='part', scalar=INTEGER, key=True),
            Column(name='origin', scalar=INTEGER, nullable=True),
            Column(name='plays', scalar=INTEGER),
            Column(name='ids', scalar=None),
        ),
    ),
    Table(
        'play_refusal', 'PlayRefusal', "A play that was taken out of a parcel: by the recipient's answer, or by its age", 'parcels',
        (
            Column(name='parcel_id', scalar=INTEGER, key=True, refers='parcel'),
            Column(name='at_row', scalar=INTEGER, key=True),
            Column(name='play_id', scalar=TEXT),
            Column(name='code', scalar=TEXT),
            Column(name='reason', scalar=TEXT),
            Column(name='at', scalar=INSTANT),
        ),
    ),
    Table(
        'release', 'Release', 'A release: an album, single or compilation', 'catalogue',
        (
            Column(name='territory_set_id', scalar=ID, nullable=True, refers='territory_set'),
            Column(name='id', scalar=ID, key=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=True)),
            Column(name='client', scalar=TEXT),
            Column(name='created_at', scalar=INSTANT, nullable=True, read=Read(path=(('CreatedAt',),), attribute=None, scalar=INSTANT, required=False)),
            Column(name='changed_at', scalar=INSTANT),
            Column(name='title', scalar=TEXT, read=Read(path=(('Title',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='sub_title', scalar=TEXT, nullable=True, read=Read(path=(('SubTitle',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='track_count', scalar=INTEGER, nullable=True, read=Read(path=(('TrackCount',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='popularity', scalar=DECIMAL, nullable=True, read=Read(path=(('Popularity',),), attribute=None, scalar=DECIMAL, required=False)),
            Column(name='c_line', scalar=TEXT, nullable=True, read=Read(path=(('CLine',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='p_line', scalar=TEXT, nullable=True, read=Read(path=(('PLine',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='disc_number', scalar=INTEGER, nullable=True, read=Read(path=(('DiscNumber',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='duration_seconds', scalar=DURATION, nullable=True, read=Read(path=(('Duration',),), attribute=None, scalar=DURATION, required=False)),
            Column(name='explicit_type', scalar=TEXT, nullable=True, read=Read(path=(('ExplicitType',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='grid', scalar=GRID, nullable=True, read=Read(path=(('GRID',),), attribute=None, scalar=GRID, required=False)),
            Column(name='ispn', scalar=TEXT, nullable=True, read=Read(path=(('ISPN',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='isrc', scalar=ISRC, nullable=True, read=Read(path=(('ISRC',),), attribute=None, scalar=ISRC, required=False)),
            Column(name='product_number', scalar=GTIN, nullable=True, read=Read(path=(('ProductNumber',),), attribute=None, scalar=GTIN, required=False)),
            Column(name='gtin14', scalar=TEXT, nullable=True, read=Read(path=(), attribute=None, scalar=TEXT, required=False, derived_from='product_number')),
            Column(name='release_date', scalar=DATE, nullable=True, read=Read(path=(('ReleaseDate',),), attribute=None, scalar=DATE, required=False)),
            Column(name='label_id', scalar=ID, nullable=True, refers='label', read=Read(path=(('Label',),), attribute=None, scalar=ID, required=False), one=True),
            Column(name='view', scalar=INTEGER, nullable=True, read=Read(path=(('View',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='update_count', scalar=INTEGER, nullable=True, read=Read(path=(('UpdateCount', 'UpdatedCount'),), attribute=None, scalar=INTEGER, required=False)),
        ),
    ),
    Table(
        'territory_part', 'TerritoryPart', 'The countries of a territory set that share one set of validities', 'catalogue',
        (
            Column(name='territory_set_id', scalar=ID, key=True, refers='territory_set'),
            Column(name='country_group_id', scalar=ID, key=True, refers='country_group'),
            Column(name='validity_set_id', scalar=ID, refers='validity_set'),
        ),
    ),
    Table(
        'track', 'Track', 'A track: one recording as it stands on releases', 'catalogue',
        (
            Column(name='territory_set_id', scalar=ID, nullable=True, refers='territory_set'),
            Column(name='id', scalar=ID, key=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=True)),
            Column(name='client', scalar=TEXT),
            Column(name='created_at', scalar=INSTANT, nullable=True, read=Read(path=(('CreatedAt',),), attribute=None, scalar=INSTANT, required=False)),
            Column(name='changed_at', scalar=INSTANT),
            Column(name='title', scalar=TEXT, read=Read(path=(('Title',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='sub_title', scalar=TEXT, nullable=True, read=Read(path=(('SubTitle',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='c_line', scalar=TEXT, nullable=True, read=Read(path=(('CLine',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='p_line', scalar=TEXT, nullable=True, read=Read(path=(('PLine',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='disc_number', scalar=INTEGER, nullable=True, read=Read(path=(('DiscNumber',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='track_number', scalar=INTEGER, nullable=True, read=Read(path=(('TrackNumber',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='duration_seconds', scalar=DURATION, nullable=True, read=Read(path=(('Duration',),), attribute=None, scalar=DURATION, required=False)),
            Column(name='explicit_type', scalar=TEXT, nullable=True, read=Read(path=(('ExplicitType',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='grid', scalar=GRID, nullable=True, read=Read(path=(('GRID',),), attribute=None, scalar=GRID, required=False)),
            Column(name='ispn', scalar=TEXT, nullable=True, read=Read(path=(('ISPN',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='isrc', scalar=ISRC, nullable=True, read=Read(path=(('ISRC',),), attribute=None, scalar=ISRC, required=False)),
            Column(name='popularity', scalar=DECIMAL, nullable=True, read=Read(path=(('Popularity',),), attribute=None, scalar=DECIMAL, required=False)),
            Column(name='view', scalar=INTEGER, nullable=True, read=Read(path=(('View',),), attribute=None, scalar=INTEGER, required=False)),
            Column(name='update_count', scalar=INTEGER, nullable=True, read=Read(path=(('UpdateCount', 'UpdatedCount'),), attribute=None, scalar=INTEGER, required=False)),
        ),
    ),
    Table(
        'validity', 'ValidityRow', 'A validity of a set', 'catalogue',
        (
            Column(name='validity_set_id', scalar=ID, key=True, refers='validity_set'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='name', scalar=TEXT, read=Read(path=(('Name',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='type', scalar=PERMISSION, read=Read(path=(('Type',),), attribute=None, scalar=PERMISSION, required=True)),
            Column(name='starts_at', scalar=STARTS, nullable=True, read=Read(path=(('StartDate',),), attribute=None, scalar=STARTS, required=False)),
            Column(name='ends_at', scalar=ENDS, nullable=True, read=Read(path=(('EndDate',),), attribute=None, scalar=ENDS, required=False)),
        ),
    ),
    Table(
        'validity_window', 'ValidityWindow', 'A window in which a validity set permits a usage (A1); ``*`` is any usage', 'catalogue',
        (
            Column(name='validity_set_id', scalar=ID, key=True, refers='validity_set'),
            Column(name='usage', scalar=TEXT, key=True),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='starts_at', scalar=STARTS, nullable=True),
            Column(name='ends_at', scalar=ENDS, nullable=True),
        ),
    ),
    Table(
        'artist_genre', 'ArtistGenre', 'A genre of an artist', 'catalogue',
        (
            Column(name='artist_id', scalar=ID, key=True, refers='artist'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='genre_id', scalar=ID, refers='genre'),
        ),
        (Listed(owner='artist', name='genre', plural='Genres', item='Genre', style='link', target='genre'),),
    ),
    Table(
        'artist_image', 'ArtistImage', 'An image of an artist', 'catalogue',
        (
            Column(name='source', scalar=TEXT, nullable=True, read=Read(path=(('Source', 'Provider'),), attribute=None, scalar=TEXT, required=False)),
            Column(name='value', scalar=TEXT, nullable=True, read=Read(path=(('Value',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='resource', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='resource_type', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute='type', scalar=TEXT, required=False)),
            Column(name='mime_type', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute='mimeType', scalar=TEXT, required=False)),
            Column(name='width', scalar=INTEGER, nullable=True, read=Read(path=(('Resolution', 'Resolutions'), ('Width',)), attribute=None, scalar=INTEGER, required=False)),
            Column(name='height', scalar=INTEGER, nullable=True, read=Read(path=(('Resolution', 'Resolutions'), ('Height', 'Heigth')), attribute=None, scalar=INTEGER, required=False)),
            Column(name='artist_id', scalar=ID, key=True, refers='artist'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='artist', name='image', plural='Images', item='Image', key=('source', 'value', 'resource', 'width', 'height'), one_of=('value', 'resource')),),
    ),
    Table(
        'artist_metadata', 'ArtistMetadata', 'A free name and its text, such as ``BirthDay`` (P15)', 'catalogue',
        (
            Column(name='artist_id', scalar=ID, key=True, refers='artist'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='name', scalar=TEXT, read=Read(path=(('*',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='type', scalar=TEXT, nullable=True, read=Read(path=(('*',),), attribute='type', scalar=TEXT, required=False)),
            Column(name='value', scalar=TEXT, nullable=True, read=Read(path=(('*',),), attribute=None, scalar=TEXT, required=False)),
        ),
        (Listed(owner='artist', name='metadata', plural='MetaData', item='*', style='named', key=('name',)),),
    ),
    Table(
        'artist_reference', 'ArtistReference', "An artist's id at a provider", 'catalogue',
        (
            Column(name='provider', scalar=TEXT, read=Read(path=(('Provider',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='ref_id', scalar=ID, nullable=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=False)),
            Column(name='artist_id', scalar=ID, key=True, refers='artist'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='artist', name='reference', plural='References', item='Reference', key=('provider',), bare=True),),
    ),
    Table(
        'artist_resource', 'ArtistResource', 'A resource of an artist', 'catalogue',
        (
            Column(name='source', scalar=TEXT, read=Read(path=(('Source', 'Provider'),), attribute=None, scalar=TEXT, required=True)),
            Column(name='type', scalar=TEXT, read=Read(path=(('Type',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='value', scalar=TEXT, read=Read(path=(('Value',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='artist_id', scalar=ID, key=True, refers='artist'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='artist', name='resource', plural='Resources', item='Resource', key=('source', 'type', 'value'), transparent='Item'),),
    ),
    Table(
        'change', 'Change', 'H1: one row for every object whose document changed; ``document`` NULL once deleted', 'ledger',
        (
            Column(name='seq', scalar=INTEGER, key=True),
            Column(name='package_id', scalar=INTEGER, refers='package_run'),
            Column(name='entity', scalar=TEXT),
            Column(name='entity_id', scalar=TEXT),
            Column(name='action', scalar=TEXT),
            Column(name='client', scalar=TEXT),
            Column(name='changed_at', scalar=INSTANT),
            Column(name='document', scalar=TEXT, nullable=True),
        ),
    ),
    Table(
        'finding', 'FindingRow', 'One finding of a package, or of a feed as a whole (``package_run_id`` NULL)', 'ledger',
        (
            Column(name='id', scalar=INTEGER, key=True),
            Column(name='feed_run_id', scalar=INTEGER, refers='feed_run'),
            Column(name='package_run_id', scalar=INTEGER, nullable=True, refers='package_run'),
            Column(name='severity', scalar=TEXT),
            Column(name='code', scalar=TEXT),
            Column(name='rule', scalar=TEXT),
            Column(name='file', scalar=TEXT),
            Column(name='line', scalar=INTEGER),
            Column(name='col', scalar=INTEGER),
            Column(name='xpath', scalar=TEXT),
            Column(name='message', scalar=TEXT),
            Column(name='hint', scalar=TEXT),
        ),
    ),
    Table(
        'release_artist', 'ReleaseArtist', 'An artist of a release', 'catalogue',
        (
            Column(name='release_id', scalar=ID, key=True, refers='release'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='artist_id', scalar=ID, refers='artist'),
        ),
        (Listed(owner='release', name='artist', plural='Artists', item='Artist', style='link', target='artist'),),
    ),
    Table(
        'release_genre', 'ReleaseGenre', 'A genre of a release', 'catalogue',
        (
            Column(name='release_id', scalar=ID, key=True, refers='release'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='genre_id', scalar=ID, refers='genre'),
        ),
        (Listed(owner='release', name='genre', plural='Genres', item='Genre', style='link', target='genre'),),
    ),
    Table(
        'release_image', 'ReleaseImage', 'An image of a release', 'catalogue',
        (
            Column(name='source', scalar=TEXT, nullable=True, read=Read(path=(('Source', 'Provider'),), attribute=None, scalar=TEXT, required=False)),
            Column(name='value', scalar=TEXT, nullable=True, read=Read(path=(('Value',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='resource', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='resource_type', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute='type', scalar=TEXT, required=False)),
            Column(name='mime_type', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute='mimeType', scalar=TEXT, required=False)),
            Column(name='width', scalar=INTEGER, nullable=True, read=Read(path=(('Resolution', 'Resolutions'), ('Width',)), attribute=None, scalar=INTEGER, required=False)),
            Column(name='height', scalar=INTEGER, nullable=True, read=Read(path=(('Resolution', 'Resolutions'), ('Height', 'Heigth')), attribute=None, scalar=INTEGER, required=False)),
            Column(name='release_id', scalar=ID, key=True, refers='release'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='release', name='image', plural='Images', item='Image', key=('source', 'value', 'resource', 'width', 'height'), one_of=('value', 'resource')),),
    ),
    Table(
        'release_reference', 'ReleaseReference', "A release's id at a provider", 'catalogue',
        (
            Column(name='provider', scalar=TEXT, read=Read(path=(('Provider',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='ref_id', scalar=ID, nullable=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=False)),
            Column(name='release_id', scalar=ID, key=True, refers='release'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='release', name='reference', plural='References', item='Reference', key=('provider',), bare=True),),
    ),
    Table(
        'release_resource', 'ReleaseResource', 'A resource of a release', 'catalogue',
        (
            Column(name='source', scalar=TEXT, read=Read(path=(('Source', 'Provider'),), attribute=None, scalar=TEXT, required=True)),
            Column(name='type', scalar=TEXT, read=Read(path=(('Type',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='value', scalar=TEXT, read=Read(path=(('Value',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='release_id', scalar=ID, key=True, refers='release'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='release', name='resource', plural='Resources', item='Resource', key=('source', 'type', 'value'), transparent='Item'),),
    ),
    Table(
        'release_track', 'ReleaseTrack', 'A track on a release: one link seen from both ends', 'catalogue',
        (
            Column(name='release_id', scalar=ID, key=True, refers='release'),
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER),
            Column(name='linked_seq', scalar=INTEGER),
        ),
        (Listed(owner='release', name='track', plural='Tracks', item='Track', style='shared', target='track'), Listed(owner='track', name='release', plural='Releases', item='Release', style='shared', target='release')),
    ),
    Table(
        'track_artist', 'TrackArtist', 'An artist of a track', 'catalogue',
        (
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='artist_id', scalar=ID, refers='artist'),
        ),
        (Listed(owner='track', name='artist', plural='Artists', item='Artist', style='link', target='artist'),),
    ),
    Table(
        'track_genre', 'TrackGenre', 'A genre of a track', 'catalogue',
        (
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='genre_id', scalar=ID, refers='genre'),
        ),
        (Listed(owner='track', name='genre', plural='Genres', item='Genre', style='link', target='genre'),),
    ),
    Table(
        'track_image', 'TrackImage', 'An image of a track', 'catalogue',
        (
            Column(name='source', scalar=TEXT, nullable=True, read=Read(path=(('Source', 'Provider'),), attribute=None, scalar=TEXT, required=False)),
            Column(name='value', scalar=TEXT, nullable=True, read=Read(path=(('Value',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='resource', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute=None, scalar=TEXT, required=False)),
            Column(name='resource_type', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute='type', scalar=TEXT, required=False)),
            Column(name='mime_type', scalar=TEXT, nullable=True, read=Read(path=(('Resource',),), attribute='mimeType', scalar=TEXT, required=False)),
            Column(name='width', scalar=INTEGER, nullable=True, read=Read(path=(('Resolution', 'Resolutions'), ('Width',)), attribute=None, scalar=INTEGER, required=False)),
            Column(name='height', scalar=INTEGER, nullable=True, read=Read(path=(('Resolution', 'Resolutions'), ('Height', 'Heigth')), attribute=None, scalar=INTEGER, required=False)),
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='track', name='image', plural='Images', item='Image', key=('source', 'value', 'resource', 'width', 'height'), one_of=('value', 'resource')),),
    ),
    Table(
        'track_reference', 'TrackReference', "A track's id at a provider", 'catalogue',
        (
            Column(name='provider', scalar=TEXT, read=Read(path=(('Provider',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='ref_id', scalar=ID, nullable=True, read=Read(path=(('ID',),), attribute=None, scalar=ID, required=False)),
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='track', name='reference', plural='References', item='Reference', key=('provider',), bare=True),),
    ),
    Table(
        'track_resource', 'TrackResource', 'A resource of a track', 'catalogue',
        (
            Column(name='source', scalar=TEXT, read=Read(path=(('Source', 'Provider'),), attribute=None, scalar=TEXT, required=True)),
            Column(name='type', scalar=TEXT, read=Read(path=(('Type',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='value', scalar=TEXT, read=Read(path=(('Value',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER, key=True),
        ),
        (Listed(owner='track', name='resource', plural='Resources', item='Resource', key=('source', 'type', 'value'), transparent='Item'),),
    ),
    Table(
        'track_validity', 'TrackValidity', "A window of a track's own, the same for all countries (A2)", 'catalogue',
        (
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='name', scalar=TEXT, read=Read(path=(('Name',),), attribute=None, scalar=TEXT, required=True)),
            Column(name='type', scalar=PERMISSION, read=Read(path=(('Type',),), attribute=None, scalar=PERMISSION, required=True)),
            Column(name='starts_at', scalar=STARTS, nullable=True, read=Read(path=(('StartDate',),), attribute=None, scalar=STARTS, required=False)),
            Column(name='ends_at', scalar=ENDS, nullable=True, read=Read(path=(('EndDate',),), attribute=None, scalar=ENDS, required=False)),
        ),
        (Listed(owner='track', name='validity', plural='Validities', item='Validity', key=('name', 'type', 'starts_at', 'ends_at')),),
    ),
    Table(
        'track_window', 'TrackWindow', "A window that a track's own validities leave open (A2); ``*`` is every usage not named", 'catalogue',
        (
            Column(name='track_id', scalar=ID, key=True, refers='track'),
            Column(name='usage', scalar=TEXT, key=True),
            Column(name='position', scalar=INTEGER, key=True),
            Column(name='starts_at', scalar=STARTS, nullable=True),
            Column(name='ends_at', scalar=ENDS, nullable=True),
        ),
    ),
)
"""Every table, what others refer to first."""

OBJECTS: tuple[str, ...] = ('label', 'genre', 'artist', 'release', 'track')
"""The tables of objects, what others refer to first."""

LISTS: tuple[str, ...] = ('artist_genre', 'release_genre', 'track_genre', 'release_artist', 'track_artist', 'artist_image', 'release_image', 'track_image', 'artist_metadata', 'artist_resource', 'release_resource', 'track_resource', 'artist_reference', 'release_reference', 'track_reference', 'track_validity')
"""The tables whose rows are collections of an object."""
